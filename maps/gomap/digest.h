/* digest.h: FNV-1a, 64 bits, of many texts at a time. */
#ifndef GOMAP_DIGEST_H
#define GOMAP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
    const char *bytes;
    size_t count;
    uint64_t value; /* filled in by digest_all */
};

/* Computes the digests of all of them. */
void digest_all(struct digest *digests, size_t count);

#endif
