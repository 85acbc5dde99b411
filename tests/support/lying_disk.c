/* Preloaded: a file system that lies. LIE names what fails, from the LIE_FROM-th such call on files under LIE_UNDER
   until LIE_UNTIL: fsync (EIO), write and fwrite (ENOSPC), rename and renameat2 (EIO), or "short", writes that take
   half. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int lies(const char *kind, const char *path) {
    static int calls;
    const char *lie = getenv("LIE"), *under = getenv("LIE_UNDER");
    if (!lie || strcmp(lie, kind) != 0 || strncmp(path, under, strlen(under)) != 0) return 0;
    int call = __sync_add_and_fetch(&calls, 1);
    return call >= atoi(getenv("LIE_FROM")) && call < atoi(getenv("LIE_UNTIL"));
}

static int lies_of(const char *kind, int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return lies(kind, path);
}

ssize_t write(int descriptor, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (lies_of("write", descriptor)) {
        errno = ENOSPC;
        return -1;
    }
    return real(descriptor, data, size > 1 && lies_of("short", descriptor) ? size / 2 : size);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (!real) real = dlsym(RTLD_NEXT, "fwrite");
    if (lies_of("write", fileno(file))) {
        errno = ENOSPC;
        return 0;
    }
    return real(data, size, count, file);
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (lies_of("fsync", descriptor)) {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    if (lies("rename", to)) {
        errno = EIO;
        return -1;
    }
    return real(from, to);
}

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    static int (*real)(int, const char *, int, const char *, unsigned);
    if (!real) real = dlsym(RTLD_NEXT, "renameat2");
    if (lies("rename", to)) {
        errno = EIO;
        return -1;
    }
    if (real) return real(from_directory, from, to_directory, to, flags);
    errno = ENOSYS;
    return -1;
}
