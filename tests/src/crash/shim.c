// Stands between a process and the disk: `LD_PRELOAD=shim.so`. See shim.rs.
//
// Every call that changes a file below BESACE_SHIM_ROOT, or makes it durable, is an event with a number. The shim
// writes events into a trace, ends the process at one of them, or refuses from one of them on as a full or a broken
// disk does. What is written to standard output, and what leaves through a socket, is noted in the trace at its place:
// whoever read it may rely on what was durable then.
//
// Real calls are made by number, so nothing here depends on which library function would have been next.
// `closedir` is the exception: it also frees.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    OPENED = 1, CLOSED, WRITTEN, SYNCED, TRUNCATED, RENAMED, UNLINKED, MADE_DIR, REMOVED_DIR, LINKED, DUPLICATED,
    SAID, SENT
};

#define FDS 65536
static unsigned char watched[FDS];
static char root[PATH_MAX];
static size_t root_len;
static int trace = -1;
static int records;
static uint64_t kill_at, fail_from;
static int fail_errno;
static int there_is_room;
static uint64_t events, spaces;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t number_in(const char *name) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("BESACE_SHIM_ROOT");
    const char *to = getenv("BESACE_SHIM_TRACE");
    if (!path || !to || strlen(path) >= sizeof root) return;
    strcpy(root, path);
    root_len = strlen(root);
    records = number_in("BESACE_SHIM_RECORD") != 0;
    kill_at = number_in("BESACE_SHIM_KILL");
    fail_from = number_in("BESACE_SHIM_FAIL");
    fail_errno = (int)number_in("BESACE_SHIM_ERRNO");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) abort();
    // Far away from the numbers that the program counts with.
    trace = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, fd);
    static const char hello[] = "besace trace 1\n";
    if (trace < 0 || syscall(SYS_write, trace, hello, sizeof hello - 1) != sizeof hello - 1) abort();
}

static void put(enum kind kind, uint64_t number, int fd, int64_t a, const void *one, size_t one_len, const char *two) {
    if (!records || trace < 0) return;
    struct __attribute__((packed)) { uint8_t kind; uint64_t number; int32_t fd; int64_t a; uint32_t one, two; } head;
    size_t two_len = two ? strlen(two) : 0;
    head.kind = (uint8_t)kind;
    head.number = number;
    head.fd = fd;
    head.a = a;
    head.one = (uint32_t)one_len;
    head.two = (uint32_t)two_len;
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)one, one_len}, {(void *)two, two_len}};
    long want = (long)(sizeof head + one_len + two_len);
    // A trace that is not whole would be taken for a disk that lost something.
    if (syscall(SYS_writev, trace, parts, 3) != want) abort();
}

static int is_watched(int fd) { return fd >= 0 && fd < FDS && watched[fd]; }

// The absolute path that a call means; 0 if it is not below the root.
static int below_root(int dirfd, const char *path, char *absolute) {
    if (!root_len || !path) return 0;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(absolute, path);
    } else {
        char link[64], base[PATH_MAX];
        if (dirfd == AT_FDCWD) strcpy(link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        ssize_t len = (ssize_t)syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (len < 0) return 0;
        base[len] = 0;
        if ((size_t)len + strlen(path) + 2 > PATH_MAX) return 0;
        memcpy(absolute, base, (size_t)len);
        absolute[len] = '/';
        strcpy(absolute + len + 1, path);
    }
    size_t len = strlen(absolute);
    while (len > 1 && absolute[len - 1] == '/') absolute[--len] = 0;
    return strncmp(absolute, root, root_len) == 0 && (absolute[root_len] == 0 || absolute[root_len] == '/');
}

// Before an event: its number. Does not come back from the one at which the process is to end.
static uint64_t event(void) {
    uint64_t number = ++events;
    if (number == kill_at) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        for (;;) pause();
    }
    return number;
}

// Whether the disk refuses this event. `takes_space`: it would not fit on a full one.
static int refused(int takes_space) {
    if (!fail_from || there_is_room || !(takes_space || fail_errno == EIO)) return 0;
    if (++spaces < fail_from) return 0;
    if (spaces == fail_from) syscall(SYS_write, trace, "refused\n", 8);
    errno = fail_errno;
    return 1;
}

static int64_t size_of(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 ? (int64_t)about.st_size : 0;
}

static ssize_t write_at(int fd, const void *bytes, size_t len, int64_t at, int moves) {
    pthread_mutex_lock(&lock);
    if (at < 0) {
        int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);
        at = flags & O_APPEND ? size_of(fd) : (int64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
    }
    // A process may be killed with half of a write done.
    if (events + 1 == kill_at && len > 1 && kill_at % 2 == 1) {
        if (moves) syscall(SYS_write, fd, bytes, len / 2);
        else syscall(SYS_pwrite64, fd, bytes, len / 2, at);
    }
    uint64_t number = event();
    size_t wanted = len;
    ssize_t done = -1;
    if (refused(1)) {
        // The last room there is takes some of the bytes.
        if (spaces != fail_from || len < 2 || fail_from % 2 == 0) goto end;
        wanted = len / 2;
    }
    done = moves ? syscall(SYS_write, fd, bytes, wanted) : syscall(SYS_pwrite64, fd, bytes, wanted, at);
    if (done > 0) put(WRITTEN, number, fd, at, bytes, (size_t)done, NULL);
end:
    pthread_mutex_unlock(&lock);
    return done;
}

static void said(int fd, const void *bytes, ssize_t len) {
    if (len <= 0) return;
    pthread_mutex_lock(&lock);
    if (fd == STDOUT_FILENO) {
        put(SAID, 0, fd, 0, bytes, (size_t)len, NULL);
        if (len >= 5 && memcmp(bytes, "room\n", 5) == 0) there_is_room = 1;
    } else {
        put(SENT, 0, fd, len, NULL, 0, NULL);
    }
    pthread_mutex_unlock(&lock);
}

static int is_socket(int fd) {
    if (!records) return 0;
    int kept = errno, domain = 0;
    socklen_t len = sizeof domain;
    int found = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && (domain == AF_INET || domain == AF_INET6);
    errno = kept;
    return found;
}

ssize_t write(int fd, const void *bytes, size_t len) {
    if (is_watched(fd)) return write_at(fd, bytes, len, -1, 1);
    // Noted before anybody can have read it.
    if (fd == STDOUT_FILENO || is_socket(fd)) said(fd, bytes, (ssize_t)len);
    return syscall(SYS_write, fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    if (is_watched(fd)) return write_at(fd, bytes, len, at, 0);
    return syscall(SYS_pwrite64, fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return pwrite64(fd, bytes, len, at); }

static ssize_t gather(int fd, const struct iovec *parts, int count, int64_t at, int moves) {
    size_t len = 0, filled = 0;
    for (int i = 0; i < count; i++) len += parts[i].iov_len;
    char *bytes = malloc(len ? len : 1);
    if (!bytes) { errno = ENOMEM; return -1; }
    for (int i = 0; i < count; i++) {
        memcpy(bytes + filled, parts[i].iov_base, parts[i].iov_len);
        filled += parts[i].iov_len;
    }
    ssize_t done = write_at(fd, bytes, len, at, moves);
    int kept = errno;
    free(bytes);
    errno = kept;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (is_watched(fd)) return gather(fd, parts, count, -1, 1);
    if (is_socket(fd)) said(fd, NULL, 1);
    else if (fd == STDOUT_FILENO) for (int i = 0; i < count; i++) said(fd, parts[i].iov_base, (ssize_t)parts[i].iov_len);
    return syscall(SYS_writev, fd, parts, count);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    if (is_watched(fd)) return gather(fd, parts, count, at, 0);
    return syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
    if (is_socket(fd)) said(fd, bytes, (ssize_t)len);
    return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t to_len) {
    if (is_socket(fd)) said(fd, bytes, (ssize_t)len);
    return syscall(SYS_sendto, fd, bytes, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (is_socket(fd)) said(fd, NULL, 1);
    return syscall(SYS_sendmsg, fd, message, flags);
}

// Copies inside the kernel would pass unseen: whoever asks for one copies by itself then.
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags) {
    if (is_watched(out)) { errno = ENOSYS; return -1; }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, len, flags);
}

ssize_t sendfile64(int out, int in, off64_t *at, size_t len) {
    if (is_watched(out)) { errno = ENOSYS; return -1; }
    return syscall(SYS_sendfile, out, in, at, len);
}

ssize_t sendfile(int out, int in, off_t *at, size_t len) { return sendfile64(out, in, at, len); }

ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags) {
    if (is_watched(out)) { errno = EINVAL; return -1; }
    return syscall(SYS_splice, in, in_at, out, out_at, len, flags);
}

static int opened(int dirfd, const char *path, int flags, mode_t mode) {
    char absolute[PATH_MAX];
    if (!below_root(dirfd, path, absolute)) return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat about;
    int exists = fstatat(dirfd, path, &about, 0) == 0;
    int creates = (flags & O_CREAT) && !exists;
    int empties = (flags & O_TRUNC) && exists && about.st_size > 0;
    uint64_t number = 0;
    int fd = -1;
    if (creates || empties) {
        number = event();
        if (refused(creates)) goto end;
    }
    fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        watched[fd] = 1;
        put(OPENED, number, fd, flags, absolute, strlen(absolute), NULL);
    }
end:
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_in(int flags, va_list *arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(*arguments, unsigned) : 0;
}

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...) {            \
        va_list arguments;                                  \
        va_start(arguments, flags);                         \
        mode_t mode = mode_in(flags, &arguments);           \
        va_end(arguments);                                  \
        return opened(AT_FDCWD, path, flags, mode);         \
    }
#define OPENAT(name)                                        \
    int name(int dirfd, const char *path, int flags, ...) { \
        va_list arguments;                                  \
        va_start(arguments, flags);                         \
        mode_t mode = mode_in(flags, &arguments);           \
        va_end(arguments);                                  \
        return opened(dirfd, path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static void forget(int fd) {
    watched[fd] = 0;
    put(CLOSED, 0, fd, 0, NULL, 0, NULL);
}

int close(int fd) {
    if (fd == trace && trace >= 0) { errno = EBADF; return -1; }
    if (!is_watched(fd)) return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    forget(fd);
    int done = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return done;
}

int closedir(DIR *folder) {
    int (*next)(DIR *) = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
    int fd = dirfd(folder);
    if (!next) abort();
    pthread_mutex_lock(&lock);
    if (is_watched(fd)) forget(fd);
    int done = next(folder);
    pthread_mutex_unlock(&lock);
    return done;
}

static int duplicated(int fd, int to) {
    if (to >= 0 && to < FDS && is_watched(fd)) {
        pthread_mutex_lock(&lock);
        watched[to] = 1;
        put(DUPLICATED, 0, fd, to, NULL, 0, NULL);
        pthread_mutex_unlock(&lock);
    }
    return to;
}

int dup(int fd) { return duplicated(fd, (int)syscall(SYS_dup, fd)); }

static int control(int fd, int command, void *argument) {
    int done = (int)syscall(SYS_fcntl, fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, done) : done;
}

int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(fd, command, argument);
}

// The page cache of this machine outlives the process: nothing has to reach its disk for real.
static int synced(int fd) {
    if (!is_watched(fd)) return (int)syscall(SYS_fsync, fd);
    pthread_mutex_lock(&lock);
    uint64_t number = event();
    int done = -1;
    if (!refused(0)) {
        put(SYNCED, number, fd, 0, NULL, 0, NULL);
        done = 0;
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

static int truncated(int fd, int64_t len) {
    if (!is_watched(fd)) return (int)syscall(SYS_ftruncate, fd, len);
    pthread_mutex_lock(&lock);
    uint64_t number = event();
    int done = -1;
    if (!refused(len > size_of(fd))) {
        done = (int)syscall(SYS_ftruncate, fd, len);
        if (done == 0) put(TRUNCATED, number, fd, len, NULL, 0, NULL);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t len) { return truncated(fd, len); }
int ftruncate64(int fd, off64_t len) { return truncated(fd, len); }

// Not known to be used below the root; a program that begins to must be seen.
int fallocate64(int fd, int mode, off64_t at, off64_t len) {
    if (is_watched(fd)) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_fallocate, fd, mode, at, len);
}
int fallocate(int fd, int mode, off_t at, off_t len) { return fallocate64(fd, mode, at, len); }
int posix_fallocate64(int fd, off64_t at, off64_t len) { return fallocate64(fd, 0, at, len) == 0 ? 0 : errno; }
int posix_fallocate(int fd, off_t at, off_t len) { return posix_fallocate64(fd, at, len); }

static int renamed(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char old_path[PATH_MAX], new_path[PATH_MAX];
    int is_old = below_root(from_dir, from, old_path), is_new = below_root(to_dir, to, new_path);
    if (!is_old && !is_new) return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    // Out of the root, or into it: the trace could not say what became of it.
    if (!is_old || !is_new) abort();
    pthread_mutex_lock(&lock);
    uint64_t number = event();
    int done = -1;
    if (!refused(0)) {
        done = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
        if (done == 0) put(RENAMED, number, (int)flags, 0, old_path, strlen(old_path), new_path);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return renamed(a, from, b, to, flags); }

static int changed(enum kind kind, int dirfd, const char *path, long call, long argument, int takes_space) {
    char absolute[PATH_MAX];
    if (!below_root(dirfd, path, absolute)) return (int)syscall(call, dirfd, path, argument);
    pthread_mutex_lock(&lock);
    uint64_t number = event();
    int done = -1;
    if (!refused(takes_space)) {
        done = (int)syscall(call, dirfd, path, argument);
        if (done == 0) put(kind, number, -1, 0, absolute, strlen(absolute), NULL);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int unlinkat(int dirfd, const char *path, int flags) {
    return changed(flags & AT_REMOVEDIR ? REMOVED_DIR : UNLINKED, dirfd, path, SYS_unlinkat, flags, 0);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat about;
    if (lstat(path, &about) != 0) return -1;
    return unlinkat(AT_FDCWD, path, S_ISDIR(about.st_mode) ? AT_REMOVEDIR : 0);
}
int mkdirat(int dirfd, const char *path, mode_t mode) { return changed(MADE_DIR, dirfd, path, SYS_mkdirat, mode, 1); }
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    char old_path[PATH_MAX], new_path[PATH_MAX];
    int is_old = below_root(from_dir, from, old_path), is_new = below_root(to_dir, to, new_path);
    if (!is_old && !is_new) return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    if (!is_old || !is_new) abort();
    pthread_mutex_lock(&lock);
    uint64_t number = event();
    int done = -1;
    if (!refused(1)) {
        done = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
        if (done == 0) put(LINKED, number, -1, 0, old_path, strlen(old_path), new_path);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
