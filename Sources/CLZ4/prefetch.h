// The processor's prefetch instruction, which Swift has no name for.
#pragma once

/// Has the cache line of an address fetched, without waiting for it.
static inline void weir_prefetch(const void *address) { __builtin_prefetch(address); }
