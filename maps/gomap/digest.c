/* digest.c: FNV-1a, 64 bits. NOT instrumented. Each byte's step waits for the one before, four
 * cycles of which only one does work; so four texts go side by side. */
#include "gomap/digest.h"

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

enum { LANE_COUNT = 4 };

struct lane {
    const unsigned char *next;
    size_t left;
    uint64_t value;
    struct digest *digest;
};

static void advance(struct lane *lane, size_t count)
{
    for (size_t i = 0; i < count; i++)
        lane->value = (lane->value ^ lane->next[i]) * FNV_PRIME;
    lane->next += count;
    lane->left -= count;
}

/* All lanes at once; each must have that many bytes left. */
static void advance_all(struct lane lanes[LANE_COUNT], size_t count)
{
    const unsigned char *a = lanes[0].next;
    const unsigned char *b = lanes[1].next;
    const unsigned char *c = lanes[2].next;
    const unsigned char *d = lanes[3].next;
    uint64_t a_value = lanes[0].value;
    uint64_t b_value = lanes[1].value;
    uint64_t c_value = lanes[2].value;
    uint64_t d_value = lanes[3].value;
    for (size_t i = 0; i < count; i++) {
        a_value = (a_value ^ a[i]) * FNV_PRIME;
        b_value = (b_value ^ b[i]) * FNV_PRIME;
        c_value = (c_value ^ c[i]) * FNV_PRIME;
        d_value = (d_value ^ d[i]) * FNV_PRIME;
    }
    lanes[0].value = a_value;
    lanes[1].value = b_value;
    lanes[2].value = c_value;
    lanes[3].value = d_value;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        lanes[i].next += count;
        lanes[i].left -= count;
    }
}

static void finish(struct lane *lane)
{
    if (lane->digest == NULL)
        return;
    advance(lane, lane->left);
    lane->digest->value = lane->value;
    lane->digest = NULL;
}

static void start(struct lane *lane, struct digest *digest)
{
    *lane = (struct lane){
        .next = (const unsigned char *)digest->bytes,
        .left = digest->count,
        .value = FNV_BASIS,
        .digest = digest,
    };
}

void digest_all(struct digest *digests, size_t count)
{
    struct lane lanes[LANE_COUNT] = { 0 };
    size_t started = 0;
    for (;;) {
        size_t shortest = 0;
        for (size_t i = 1; i < LANE_COUNT; i++) {
            if (lanes[i].left < lanes[shortest].left)
                shortest = i;
        }
        advance_all(lanes, lanes[shortest].left);
        finish(&lanes[shortest]);
        if (started == count)
            break;
        start(&lanes[shortest], &digests[started++]);
    }
    for (size_t i = 0; i < LANE_COUNT; i++)
        finish(&lanes[i]);
}
