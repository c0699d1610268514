# One image, one process, no shell tricks at start. Build: docker build -t llm-gateway .
#
# Run (a container must listen on all of its addresses, and then the gateway insists on an admin
# credential and on virtual keys):
#
#   docker run -p 127.0.0.1:8930:8930 -v llm-gateway:/data \
#     -e LLM_GATEWAY_AUTH__ADMIN_PASSWORD=... -e OPENAI_API_KEY=... llm-gateway
#
# Requests must name localhost or a name of LLM_GATEWAY_SERVER__ALLOWED_HOSTS.

FROM node:20-bookworm-slim AS portal
WORKDIR /src
COPY portal/package.json portal/package-lock.json portal/
RUN npm --prefix portal ci --ignore-scripts --no-audit --no-fund
COPY openapi openapi
COPY portal portal
RUN npm --prefix portal run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=portal /src/portal/dist portal/dist
RUN cargo build --release --locked --bin llm-gateway

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin gateway \
    && install -d -m 0700 -o gateway -g gateway /data
COPY --from=build /src/target/release/llm-gateway /usr/local/bin/llm-gateway
USER gateway
WORKDIR /data
ENV LLM_GATEWAY_SERVER__HOST=0.0.0.0 \
    LLM_GATEWAY_STORAGE__PATH=/data
VOLUME /data
EXPOSE 8930
# The image has no HTTP client; bash can open the socket itself. The port is the one above.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8930 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 2 _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/local/bin/llm-gateway"]
