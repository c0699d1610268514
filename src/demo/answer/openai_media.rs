//! OpenAI images and audio (`platform.openai.com/docs/api-reference/images`, `…/audio`), the
//! smallest true answers: a picture of one pixel, a moment of silence, a short transcript.

use bytes::Bytes;

use super::{
    super::reply::{Reply, Tokens},
    Ask,
};

/// A PNG of one transparent pixel, in base64.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/// Output tokens of one small picture.
const PIXEL_TOKENS: u64 = 272;

/// `POST /v1/images/*`
pub(super) fn image(ask: &Ask<'_>) -> Reply {
    let input = ask.prompt.tokens();
    let tokens = Tokens { input, output: PIXEL_TOKENS, ..Tokens::default() };
    let body = format!(
        r#"{{"created":{},"background":"opaque","data":[{{"b64_json":"{PIXEL}"}}],"output_format":"png","quality":"low","size":"1024x1024","usage":{{"input_tokens":{input},"input_tokens_details":{{"image_tokens":0,"text_tokens":{input}}},"output_tokens":{PIXEL_TOKENS},"total_tokens":{}}}}}"#,
        ask.now_secs,
        input + PIXEL_TOKENS,
    );
    Reply::json(200, body).reporting(tokens)
}

/// `POST /v1/audio/speech`: one silent frame of MPEG-1 layer III, 128 kbit/s at 44.1 kHz.
pub(super) fn speech() -> Reply {
    let mut frame = vec![0_u8; 417];
    frame.splice(..4, [0xff, 0xfb, 0x90, 0x64]);
    Reply::whole(200, "audio/mpeg", Bytes::from(frame))
}

/// `POST /v1/audio/transcriptions` and `…/translations`
pub(super) fn transcript(ask: &Ask<'_>) -> Reply {
    let audio = (ask.request.body.len() / 800).max(1) as u64;
    let tokens = Tokens { input: audio, output: 6, ..Tokens::default() };
    let body = format!(
        r#"{{"text":"This is the demo provider speaking.","usage":{{"type":"tokens","total_tokens":{},"input_tokens":{audio},"input_token_details":{{"text_tokens":0,"audio_tokens":{audio}}},"output_tokens":6}}}}"#,
        audio + 6,
    );
    Reply::json(200, body).reporting(tokens)
}
