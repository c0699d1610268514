/* Makes writes to the files of one directory fail, in a process that is started with LD_PRELOAD.
 *
 * For tests only. What SQLite and the spool do with a disk that fails is shown on the real binary,
 * and nothing in it is built for the purpose. FAULT_DIRECTORY names the directory, FAULT_CONTROL a
 * file of four 64-bit numbers that the test and the process share: which write is to fail, how many
 * from there on, with which errno, and how many there were. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
    _Atomic int64_t first;
    _Atomic int64_t many;
    _Atomic int64_t error;
    _Atomic int64_t count;
};

static struct control *control;
static const char *directory;
static size_t directory_length;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_CONTROL");
    directory = getenv("FAULT_DIRECTORY");
    if (!path || !directory) return;
    directory_length = strlen(directory);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED) control = shared;
}

static int fails(int fd) {
    if (!control) return 0;
    char name[64], path[4096];
    int kept = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path);
    errno = kept;
    if (length < (ssize_t)directory_length || memcmp(path, directory, directory_length) != 0) return 0;
    int64_t number = atomic_fetch_add(&control->count, 1) + 1;
    int64_t first = atomic_load(&control->first);
    if (first == 0 || number < first || number - first >= atomic_load(&control->many)) return 0;
    errno = (int)atomic_load(&control->error);
    return 1;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(write);
    return fails(fd) ? -1 : real(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    return fails(fd) ? -1 : real(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    REAL(pwrite);
    return fails(fd) ? -1 : real(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(pwrite64);
    return fails(fd) ? -1 : real(fd, bytes, length, at);
}

int fsync(int fd) {
    REAL(fsync);
    return fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return fails(fd) ? -1 : real(fd);
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    return fails(fd) ? -1 : real(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    return fails(fd) ? -1 : real(fd, length);
}
