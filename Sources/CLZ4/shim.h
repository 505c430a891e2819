#include <lz4.h>
#include <lz4frame.h>

#include "crc32c.h"
#include "prefetch.h"
#include "writeback.h"
