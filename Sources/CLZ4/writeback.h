// The system call that begins to write a file to its device, which Swift's Glibc does not have.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

/// Begins to write all that waits of a file; gives 0, or -1 where that cannot be done.
static inline long weir_begin_writeback(int descriptor) {
    const unsigned int write_without_waiting = 2;  // SYNC_FILE_RANGE_WRITE
    return syscall(SYS_sync_file_range, descriptor, (long)0, (long)0, write_without_waiting);
}
