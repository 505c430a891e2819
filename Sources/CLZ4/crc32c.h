// The processor's own CRC-32C instruction, which Swift has no name for.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

/// Whether this processor has the instruction.
static inline int weir_crc32c_is_available(void) { return __builtin_cpu_supports("sse4.2") != 0; }

/// Takes `count` bytes into an inverted checksum, which it gives back inverted.
__attribute__((target("sse4.2"))) static inline uint32_t
weir_crc32c(uint32_t value, const void *bytes, size_t count) {
    const unsigned char *next = (const unsigned char *)bytes;
    unsigned long long state = value;
    for (; count >= 8; count -= 8, next += 8) {
        unsigned long long word;
        __builtin_memcpy(&word, next, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    uint32_t rest = (uint32_t)state;
    for (; count > 0; count -= 1, next += 1) rest = __builtin_ia32_crc32qi(rest, *next);
    return rest;
}

#else

static inline int weir_crc32c_is_available(void) { return 0; }

static inline uint32_t weir_crc32c(uint32_t value, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return value;
}

#endif
