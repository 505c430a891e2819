// The workloads of `weir-bench store`, run against RocksDB 7.8, tuned for them.
//
//     rocksdb_store --workload dedup|merge|put --form leveled|fifo|families --operations N
//         --keys K --seed S --memory-mib M --batch B --directory DIR --options O --table-options T
//
// Prints one JSON object for each part of a workload. The directory is emptied first.
//
// The operations are the same as weir's, word for word. All numbers are unsigned 64-bit words that
// wrap around; / and % are those of whole numbers.
//
//   at(seed, i)  the output number i (from 0) of SplitMix64 with that seed:
//                z = seed + (i + 1) * 0x9e3779b97f4a7c15
//                z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9
//                z = (z ^ z >> 27) * 0x94d049bb133111eb
//                z ^ z >> 31
//   hex(w)       its 16 hexadecimal digits, lower case, the greatest first
//
// dedup: operation i of N makes a key unless it is there. 60 buckets of time, of which 12 live:
//     r = at(seed, i); now = i * 60 / N; bucket = now, or now - 1 if r % 16 = 0 and now > 0
//     made = how many keys the bucket has had so far
//     a duplicate if (r >> 4) % 65536 < 6554 and made > 0:
//         span = made, or min(made, 4096) if (r >> 20) % 2 = 1
//         number = made - 1 - (r >> 21) % span
//     else number = made, and made grows by 1
//     key = "ord-eu1-" hex(at(seed + 1, bucket << 32 | number)): 24 bytes
//   Operations come in batches of 4096. Before a batch whose first operation has now >= 12, the
//   buckets up to now - 12 expire: nothing asks for them again.
//   Hits: the keys that were new; how many these must be is known, and checked.
//
// merge: operation i of N adds 1 to one of K counters, chosen by Zipf's law with exponent 0.99:
//     rank = zipf(at(seed, i)), as Gray et al. have it ("Quickly generating billion-record synthetic
//         databases", SIGMOD '94); see Zipf below
//     key = hex(at(seed + 1, rank)): 16 bytes
//   Then all counters are read in order, and must add up to N.
//
// put: operation i of N sets a value:
//     number = at(seed, i) % N; key = hex(at(seed + 1, number)): 16 bytes
//     value: words at(seed + 2, i * 8) and the following 6, the lowest byte first; the first 50
//         of these bytes, twice: 100 bytes
//   Then all is written to disk, and, at rest, R = N / 10 reads, at least 1:
//   read-hit: read i asks for the key of operation at(seed + 3, i) % N; all are there
//   read-miss: read i asks for hex(at(seed + 1, N + at(seed + 4, i) % N)); none is there
//   scan: reads everything in order of keys
//   Checksum: the sum of the first 8 bytes of the values read, the lowest byte first, and their
//   lengths.
//
// The sequence's digest, to compare generators: d = 0, then for the word w in each operation's key
// (the one hex is taken of) d = (d ^ w) * 0x100000001b3.
//
// Timed is what the store does; making the keys is not. Batches of 4096 operations are made, then
// done.

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace rocksdb;
using Word = uint64_t;

// MARK: The operations

static constexpr size_t kBatch = 4096;
static constexpr Word kBuckets = 60;
static constexpr Word kLiveBuckets = 12;

static Word at(Word seed, Word index) {
    Word z = seed + (index + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void hex(Word word, char* out) {
    for (int index = 15; index >= 0; index--, word >>= 4) out[index] = "0123456789abcdef"[word & 15];
}

// Ranks from 0, where rank r has a weight of 1 / (r + 1)^0.99. Needs the order of operations given
// here, without fused multiplication, to be the same everywhere.
struct Zipf {
    double count, theta = 0.99, alpha, zeta = 0, second, eta;

    explicit Zipf(Word keys) : count(double(keys)) {
        for (Word i = 1; i <= keys; i++) zeta += 1.0 / std::pow(double(i), theta);
        second = 1.0 + std::pow(0.5, theta);
        alpha = 1.0 / (1.0 - theta);
        eta = (1.0 - std::pow(2.0 / count, 1.0 - theta)) / (1.0 - second / zeta);
    }

    Word rank(Word word) const {
        double u = double(word >> 11) * 0x1p-53;
        double scaled = u * zeta;
        if (scaled < 1.0) return 0;
        if (scaled < second) return 1;
        double rank = count * std::pow(eta * u - eta + 1.0, alpha);
        return rank >= count ? Word(count) - 1 : Word(rank);
    }
};

static void value(Word seed, Word operation, char* out) {
    char bytes[56];
    for (Word i = 0; i < 7; i++) {
        Word word = at(seed + 2, operation * 8 + i);
        memcpy(bytes + i * 8, &word, 8);
    }
    memcpy(out, bytes, 50);
    memcpy(out + 50, bytes, 50);
}

// MARK: Settings and results

struct Settings {
    std::string workload = "dedup", form = "leveled", directory;
    // Changes to the options below, as RocksDB spells them: "write_buffer_size=1048576;...".
    std::string options, tableOptions;
    Word operations = 1000000, keys = 0, seed = 1, memory = 256 << 20;
    // Operations of one call: 1 for Get, Put and Merge, more for MultiGet and WriteBatch.
    size_t batch = 0;
};

[[noreturn]] static void fail(const std::string& text) {
    fprintf(stderr, "rocksdb_store: %s\n", text.c_str());
    exit(1);
}

static void check(const Status& status) {
    if (!status.ok()) fail(status.ToString());
}

// Sums up what flushes and compactions write.
struct Written : EventListener {
    std::atomic<Word> flushed{0}, compacted{0};

    void OnTableFileCreated(const TableFileCreationInfo& info) override {
        if (!info.status.ok()) return;
        (info.reason == TableFileCreationReason::kFlush ? flushed : compacted) += info.file_size;
    }
};

static double secondsOf(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

// What lies between begin and end: wall time, CPU time of this thread, and that of all threads.
struct Timer {
    double seconds = 0, thread = 0, process = 0;
    std::vector<double> batches;
    double start, threadStart, processStart;

    void begin() {
        start = secondsOf(CLOCK_MONOTONIC);
        threadStart = secondsOf(CLOCK_THREAD_CPUTIME_ID);
        processStart = secondsOf(CLOCK_PROCESS_CPUTIME_ID);
    }
    void end() {
        batches.push_back(secondsOf(CLOCK_MONOTONIC) - start);
        seconds += batches.back();
        thread += secondsOf(CLOCK_THREAD_CPUTIME_ID) - threadStart;
        process += secondsOf(CLOCK_PROCESS_CPUTIME_ID) - processStart;
    }
    double batchMicros(double share) const {
        auto sorted = batches;
        std::sort(sorted.begin(), sorted.end());
        return sorted.empty() ? 0 : sorted[size_t(double(sorted.size() - 1) * share)] * 1e6;
    }
};

struct Result {
    std::string workload;
    Word operations = 0, hits = 0, checksum = 0, digest = 0, flushed = 0, merged = 0;
    Timer timer;
    double settleSeconds = 0;
};

static Word peakMemoryKB() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("VmHWM:", 0) == 0) return strtoull(line.c_str() + 6, nullptr, 10);
    return 0;
}

static Word diskBytes(const std::string& directory) {
    Word total = 0;
    for (auto& entry : std::filesystem::directory_iterator(directory)) {
        std::error_code gone;
        Word size = entry.path().extension() == ".sst" ? entry.file_size(gone) : 0;
        if (!gone) total += size;
    }
    return total;
}

// MARK: The store

// Drops what belongs to expired buckets, by the four bytes at the start of the key.
struct ExpiryFilter : CompactionFilter {
    std::atomic<uint32_t> firstLive{0};

    bool Filter(int, const Slice& key, const Slice&, std::string*, bool*) const override {
        uint32_t bucket;
        memcpy(&bucket, key.data(), 4);
        return __builtin_bswap32(bucket) < firstLive.load(std::memory_order_relaxed);
    }
    const char* Name() const override { return "expiry"; }
};

struct Store {
    Settings settings;
    std::unique_ptr<DB> db;
    std::shared_ptr<Written> written = std::make_shared<Written>();
    ExpiryFilter expiry;
    Options options;
    WriteOptions writing;
    ReadOptions reading;
    std::map<Word, ColumnFamilyHandle*> families;

    explicit Store(const Settings& settings) : settings(settings) {
        tune();
        check(GetOptionsFromString(ConfigOptions(), options, settings.options, &options));
        std::filesystem::remove_all(settings.directory);
        std::filesystem::create_directories(settings.directory);
        DB* opened = nullptr;
        check(DB::Open(options, settings.directory, &opened));
        db.reset(opened);
        writing.disableWAL = true;
    }

    ~Store() {
        for (auto& [_, family] : families) check(db->DestroyColumnFamilyHandle(family));
        check(db->Close());
    }

    void tune() {
        int cores = std::max(2, int(std::thread::hardware_concurrency()));
        bool isDedup = settings.workload == "dedup";
        // One budget: memtables are charged to the cache. Dedup asks the newest keys most and needs
        // only filters of the others; point reads live from the cache.
        Word writeBytes = settings.memory / 100 * (isDedup ? 60 : 40);
        auto cache = NewLRUCache(settings.memory, 4, false, 0.5);
        options.write_buffer_manager = std::make_shared<WriteBufferManager>(writeBytes, cache);
        options.create_if_missing = true;
        options.listeners.push_back(written);
        options.IncreaseParallelism(cores);
        options.max_background_jobs = cores;
        options.max_subcompactions = cores;
        options.compression = kLZ4Compression;
        options.bottommost_compression = kDisableCompressionOption;
        options.max_open_files = -1;
        options.avoid_flush_during_shutdown = true;
        options.stats_dump_period_sec = 0;
        options.stats_persist_period_sec = 0;
        options.bytes_per_sync = 1 << 20;
        options.compaction_readahead_size = 2 << 20;
        // One thread writes.
        options.allow_concurrent_memtable_write = false;
        options.enable_write_thread_adaptive_yield = false;
        options.write_buffer_size = std::max<Word>(writeBytes / 4, 1 << 20);
        options.max_write_buffer_number = 6;
        options.level0_file_num_compaction_trigger = 4;
        options.level0_slowdown_writes_trigger = 20;
        options.level0_stop_writes_trigger = 36;
        options.level_compaction_dynamic_level_bytes = true;
        options.target_file_size_base = std::max<Word>(options.write_buffer_size / 2, 1 << 20);
        options.max_bytes_for_level_base = options.write_buffer_size * 4;

        BlockBasedTableOptions table;
        table.filter_policy.reset(NewBloomFilterPolicy(10));
        table.block_cache = cache;
        table.format_version = 5;
        table.cache_index_and_filter_blocks = true;
        table.cache_index_and_filter_blocks_with_high_priority = true;
        table.pin_l0_filter_and_index_blocks_in_cache = true;
        table.data_block_index_type = BlockBasedTableOptions::kDataBlockBinaryAndHash;
        check(GetBlockBasedTableOptionsFromString(ConfigOptions(), table, settings.tableOptions, &table));
        options.table_factory.reset(NewBlockBasedTableFactory(table));

        if (settings.workload == "merge") {
            check(MergeOperator::CreateFromString(
                ConfigOptions(), "uint64add", &options.merge_operator));
        }
        tuneMemtable(isDedup);
        if (!isDedup) return;
        if (settings.form == "leveled") {
            options.compaction_filter = &expiry;
        } else if (settings.form == "fifo") {
            options.compaction_style = kCompactionStyleFIFO;
            // Room for the living buckets and one more, at 32 bytes a key: more than they take.
            options.compaction_options_fifo.max_table_files_size =
                std::max<Word>(settings.operations / kBuckets * (kLiveBuckets + 1) * 32, 4 << 20);
            options.level0_slowdown_writes_trigger = 1 << 20;
            options.level0_stop_writes_trigger = 1 << 20;
        } else if (settings.form == "families") {
            // A bucket's few files are not worth merging.
            options.level0_file_num_compaction_trigger = 16;
        } else {
            fail("no such form: " + settings.form);
        }
    }

    // A hash of skip lists, by so many digits of the key that a few to some tens are in a list: one
    // skip list of all keys is what the operating thread would spend most of its time in.
    void tuneMemtable(bool isDedup) {
        Word keys = isDedup ? settings.operations / kBuckets / 5 : options.write_buffer_size / 150;
        size_t digits = 1;
        for (Word lists = 16; keys / lists > 8; lists *= 16) digits++;
        size_t start = !isDedup ? 0 : settings.form == "families" ? 8 : 12;
        options.prefix_extractor.reset(NewFixedPrefixTransform(start + digits));
        options.memtable_factory.reset(
            NewHashSkipListRepFactory(std::max<Word>(options.write_buffer_size / 256, 1024)));
        // Dedup asks for a key before it is made; most are not there.
        options.memtable_whole_key_filtering = isDedup;
        options.memtable_prefix_bloom_size_ratio = isDedup ? 0.1 : 0;
    }

    ColumnFamilyHandle* family(Word bucket) {
        if (settings.workload != "dedup" || settings.form != "families")
            return db->DefaultColumnFamily();
        auto& handle = families[bucket];
        if (!handle) check(db->CreateColumnFamily(options, std::to_string(bucket), &handle));
        return handle;
    }

    // Forgets all buckets below `first`.
    void expire(Word first) {
        if (settings.form == "families") {
            while (!families.empty() && families.begin()->first < first) {
                check(db->DropColumnFamily(families.begin()->second));
                check(db->DestroyColumnFamilyHandle(families.begin()->second));
                families.erase(families.begin());
            }
        } else if (settings.form == "leveled" && first > expiry.firstLive) {
            expiry.firstLive = uint32_t(first);
            uint32_t end = __builtin_bswap32(uint32_t(first));
            Slice least("\0\0\0\0", 4), greatest(reinterpret_cast<char*>(&end), 4);
            check(DeleteFilesInRange(db.get(), db->DefaultColumnFamily(), &least, &greatest, false));
        }
    }

    std::vector<ColumnFamilyHandle*> all() {
        std::vector<ColumnFamilyHandle*> all{db->DefaultColumnFamily()};
        for (auto& [_, family] : families) all.push_back(family);
        return all;
    }

    void flush() {
        for (auto family : all()) check(db->Flush(FlushOptions(), family));
    }

    // Waits until nothing is left to do in the background; gives the seconds.
    double settle() {
        Timer timer;
        timer.begin();
        for (int quiet = 0; quiet < 3;) {
            Word busy = 0;
            for (auto family : all())
                for (auto name : {"rocksdb.mem-table-flush-pending", "rocksdb.num-running-flushes",
                                  "rocksdb.compaction-pending", "rocksdb.num-running-compactions"}) {
                    Word count = 0;
                    db->GetIntProperty(family, name, &count);
                    busy += count;
                }
            quiet = busy == 0 ? quiet + 1 : 0;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        timer.end();
        return timer.seconds;
    }

    void print(const Result& result) {
        printf("{\"store\":\"rocksdb\",\"workload\":\"%s\",\"form\":\"%s\",\"operations\":%llu,"
               "\"batch\":%zu,\"seconds\":%.6f,\"operationsPerSecond\":%.0f,"
               "\"threadSeconds\":%.6f,\"cpuSeconds\":%.6f,\"batchMedianMicros\":%.1f,"
               "\"batchP99Micros\":%.1f,\"batchMaxMicros\":%.1f,"
               "\"settleSeconds\":%.3f,\"bytesWritten\":%llu,\"bytesMerged\":%llu,\"diskBytes\":%llu,\"hits\":%llu,"
               "\"checksum\":%llu,\"digest\":\"%016llx\",\"peakMemoryKB\":%llu}\n",
               result.workload.c_str(), settings.form.c_str(),
               (unsigned long long)result.operations, settings.batch, result.timer.seconds,
               double(result.operations) / result.timer.seconds, result.timer.thread,
               result.timer.process, result.timer.batchMicros(0.5), result.timer.batchMicros(0.99),
               result.timer.batchMicros(1), result.settleSeconds,
               (unsigned long long)(result.flushed + result.merged),
               (unsigned long long)result.merged,
               (unsigned long long)diskBytes(settings.directory),
               (unsigned long long)result.hits, (unsigned long long)result.checksum,
               (unsigned long long)result.digest, (unsigned long long)peakMemoryKB());
        fflush(stdout);
    }

    void countWritten(Result& result) {
        result.flushed = written->flushed;
        result.merged = written->compacted;
    }
};

static Word extended(Word digest, Word word) { return (digest ^ word) * 0x100000001b3; }

// MARK: dedup

struct DedupBatch {
    Word count = 0;
    Word buckets[kBatch];
    Word ids[kBatch];
    // The bucket in four bytes, the greatest first, and the key.
    char keys[kBatch][28];

    Slice key(Word row, bool withBucket) const {
        return withBucket ? Slice(keys[row], 28) : Slice(keys[row] + 4, 24);
    }
};

// Which keys of a batch come for the second time in it.
struct Repeats {
    std::vector<Word> slots = std::vector<Word>(4 * kBatch);

    void clear() { std::fill(slots.begin(), slots.end(), 0); }

    bool insert(Word id) {
        for (Word slot = id % slots.size();; slot = (slot + 1) % slots.size()) {
            if (slots[slot] == id) return false;
            if (slots[slot] == 0) return slots[slot] = id, true;
        }
    }
};

static Word dedupOneByOne(Store& store, const DedupBatch& batch, bool withBucket) {
    Word fresh = 0;
    PinnableSlice found;
    for (Word row = 0; row < batch.count; row++) {
        auto family = store.family(batch.buckets[row]);
        auto key = batch.key(row, withBucket);
        auto status = store.db->Get(store.reading, family, key, &found);
        found.Reset();
        if (status.ok()) continue;
        if (!status.IsNotFound()) check(status);
        check(store.db->Put(store.writing, family, key, Slice()));
        fresh++;
    }
    return fresh;
}

static Word dedupTogether(Store& store, const DedupBatch& batch, bool withBucket) {
    static std::vector<Slice> keys(kBatch);
    static std::vector<ColumnFamilyHandle*> families(kBatch);
    static std::vector<PinnableSlice> values(kBatch);
    static std::vector<Status> statuses(kBatch);
    static Repeats repeats;
    static WriteBatch writes;
    repeats.clear();
    writes.Clear();
    Word fresh = 0;
    for (Word from = 0; from < batch.count; from += store.settings.batch) {
        Word count = std::min<Word>(store.settings.batch, batch.count - from);
        for (Word i = 0; i < count; i++) {
            keys[i] = batch.key(from + i, withBucket);
            families[i] = store.family(batch.buckets[from + i]);
        }
        if (withBucket)
            store.db->MultiGet(store.reading, families[0], count, keys.data(), values.data(),
                               statuses.data(), false);
        else
            store.db->MultiGet(store.reading, count, families.data(), keys.data(), values.data(),
                               statuses.data(), false);
        for (Word i = 0; i < count; i++) {
            values[i].Reset();
            if (statuses[i].ok()) continue;
            if (!statuses[i].IsNotFound()) check(statuses[i]);
            if (!repeats.insert(batch.ids[from + i])) continue;
            check(writes.Put(families[i], keys[i], Slice()));
            fresh++;
        }
        check(store.db->Write(store.writing, &writes));
        writes.Clear();
    }
    return fresh;
}

static void dedup(Store& store) {
    const Settings& settings = store.settings;
    bool withBucket = settings.form != "families";
    std::vector<Word> made(kBuckets);
    auto batch = std::make_unique<DedupBatch>();
    Timer timer;
    Result result;
    Word expected = 0;
    for (Word from = 0; from < settings.operations; from += kBatch) {
        batch->count = std::min<Word>(kBatch, settings.operations - from);
        for (Word row = 0; row < batch->count; row++) {
            Word i = from + row, r = at(settings.seed, i);
            Word bucket = i * kBuckets / settings.operations;
            if (r % 16 == 0 && bucket > 0) bucket--;
            Word number = made[bucket];
            if ((r >> 4) % 65536 < 6554 && number > 0) {
                Word span = (r >> 20) % 2 == 1 ? std::min<Word>(number, 4096) : number;
                number = number - 1 - (r >> 21) % span;
            } else {
                made[bucket]++;
                expected++;
            }
            Word id = at(settings.seed + 1, bucket << 32 | number);
            uint32_t lead = __builtin_bswap32(uint32_t(bucket));
            batch->buckets[row] = bucket;
            batch->ids[row] = id;
            memcpy(batch->keys[row], &lead, 4);
            memcpy(batch->keys[row] + 4, "ord-eu1-", 8);
            hex(id, batch->keys[row] + 12);
            result.digest = extended(result.digest, id);
        }
        Word now = from * kBuckets / settings.operations;
        timer.begin();
        if (now >= kLiveBuckets) store.expire(now - kLiveBuckets + 1);
        result.hits += settings.batch > 1 ? dedupTogether(store, *batch, withBucket)
                                          : dedupOneByOne(store, *batch, withBucket);
        timer.end();
    }
    result.workload = "dedup";
    result.operations = settings.operations;
    result.timer = timer;
    result.settleSeconds = store.settle();
    // What is in memory only has not been written, here as in weir.
    store.countWritten(result);
    store.flush();
    store.settle();
    store.print(result);
    if (result.hits != expected)
        fail("made " + std::to_string(result.hits) + " keys, not " + std::to_string(expected));
}

// MARK: merge

static void merge(Store& store) {
    const Settings& settings = store.settings;
    Zipf zipf(settings.keys);
    auto keys = std::make_unique<char[][16]>(kBatch);
    Word one = 1;
    Slice operand(reinterpret_cast<char*>(&one), 8);
    Timer timer;
    Result result;
    WriteBatch writes;
    for (Word from = 0; from < settings.operations; from += kBatch) {
        Word count = std::min<Word>(kBatch, settings.operations - from);
        for (Word row = 0; row < count; row++) {
            Word id = at(settings.seed + 1, zipf.rank(at(settings.seed, from + row)));
            hex(id, keys[row]);
            result.digest = extended(result.digest, id);
        }
        timer.begin();
        if (settings.batch > 1) {
            for (Word row = 0; row < count;) {
                for (Word end = std::min<Word>(row + settings.batch, count); row < end; row++)
                    check(writes.Merge(Slice(keys[row], 16), operand));
                check(store.db->Write(store.writing, &writes));
                writes.Clear();
            }
        } else {
            for (Word row = 0; row < count; row++)
                check(store.db->Merge(store.writing, Slice(keys[row], 16), operand));
        }
        timer.end();
    }
    result.workload = "merge";
    result.operations = settings.operations;
    result.timer = timer;
    result.settleSeconds = store.settle();
    store.countWritten(result);
    store.flush();
    store.settle();
    store.print(result);

    Timer scan;
    scan.begin();
    ReadOptions reading;
    reading.fill_cache = false;
    reading.total_order_seek = true;
    reading.readahead_size = 2 << 20;
    std::unique_ptr<Iterator> iterator(store.db->NewIterator(reading));
    Result sums;
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
        Word count;
        memcpy(&count, iterator->value().data(), 8);
        sums.checksum += count;
        sums.hits++;
    }
    check(iterator->status());
    scan.end();
    sums.workload = "merge-scan";
    sums.operations = sums.hits;
    sums.timer = scan;
    store.print(sums);
    if (sums.checksum != settings.operations)
        fail("the counters add up to " + std::to_string(sums.checksum));
}

// MARK: put, and reading what was put

static void take(Result& result, const Slice& value) {
    Word word;
    memcpy(&word, value.data(), 8);
    result.checksum += word + value.size();
    result.hits++;
}

static void reads(Store& store, bool isHit) {
    const Settings& settings = store.settings;
    Word reads = std::max<Word>(settings.operations / 10, 1), n = settings.operations;
    auto bytes = std::make_unique<char[][16]>(kBatch);
    std::vector<Slice> keys(kBatch);
    std::vector<PinnableSlice> values(kBatch);
    std::vector<Status> statuses(kBatch);
    Timer timer;
    Result result;
    for (Word from = 0; from < reads; from += kBatch) {
        Word count = std::min<Word>(kBatch, reads - from);
        for (Word row = 0; row < count; row++) {
            Word i = from + row;
            Word number = isHit ? at(settings.seed, at(settings.seed + 3, i) % n) % n
                                : n + at(settings.seed + 4, i) % n;
            Word id = at(settings.seed + 1, number);
            hex(id, bytes[row]);
            keys[row] = Slice(bytes[row], 16);
            result.digest = extended(result.digest, id);
        }
        timer.begin();
        if (settings.batch > 1) {
            for (Word row = 0; row < count; row += settings.batch)
                store.db->MultiGet(store.reading, store.db->DefaultColumnFamily(),
                                   std::min<Word>(settings.batch, count - row), &keys[row],
                                   &values[row], &statuses[row], false);
        } else {
            for (Word row = 0; row < count; row++)
                statuses[row] = store.db->Get(store.reading, store.db->DefaultColumnFamily(),
                                              keys[row], &values[row]);
        }
        for (Word row = 0; row < count; row++) {
            if (statuses[row].ok()) take(result, values[row]);
            else if (!statuses[row].IsNotFound()) check(statuses[row]);
            values[row].Reset();
        }
        timer.end();
    }
    result.workload = isHit ? "read-hit" : "read-miss";
    result.operations = reads;
    result.timer = timer;
    store.print(result);
    if (result.hits != (isHit ? reads : 0)) fail("wrong number of hits in " + result.workload);
}

static void scan(Store& store) {
    Timer timer;
    Result result;
    timer.begin();
    ReadOptions reading;
    reading.fill_cache = false;
    reading.total_order_seek = true;
    reading.readahead_size = 2 << 20;
    std::unique_ptr<Iterator> iterator(store.db->NewIterator(reading));
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next())
        take(result, iterator->value());
    check(iterator->status());
    timer.end();
    result.workload = "scan";
    result.operations = result.hits;
    result.timer = timer;
    store.print(result);
}

static void put(Store& store) {
    const Settings& settings = store.settings;
    auto keys = std::make_unique<char[][16]>(kBatch);
    auto values = std::make_unique<char[][100]>(kBatch);
    Timer timer;
    Result result;
    WriteBatch writes;
    for (Word from = 0; from < settings.operations; from += kBatch) {
        Word count = std::min<Word>(kBatch, settings.operations - from);
        for (Word row = 0; row < count; row++) {
            Word i = from + row;
            Word id = at(settings.seed + 1, at(settings.seed, i) % settings.operations);
            hex(id, keys[row]);
            value(settings.seed, i, values[row]);
            result.digest = extended(result.digest, id);
        }
        timer.begin();
        if (settings.batch > 1) {
            for (Word row = 0; row < count;) {
                for (Word end = std::min<Word>(row + settings.batch, count); row < end; row++)
                    check(writes.Put(Slice(keys[row], 16), Slice(values[row], 100)));
                check(store.db->Write(store.writing, &writes));
                writes.Clear();
            }
        } else {
            for (Word row = 0; row < count; row++)
                check(store.db->Put(store.writing, Slice(keys[row], 16), Slice(values[row], 100)));
        }
        timer.end();
    }
    result.workload = "put";
    result.operations = settings.operations;
    result.timer = timer;
    store.flush();
    result.settleSeconds = store.settle();
    store.countWritten(result);
    store.print(result);
    reads(store, true);
    reads(store, false);
    scan(store);
}

// MARK: The command line

int main(int count, char** words) {
    Settings settings;
    for (int i = 1; i < count; i += 2) {
        std::string name = words[i];
        if (i + 1 == count) fail(name + " needs a value");
        std::string text = words[i + 1];
        if (name == "--workload") settings.workload = text;
        else if (name == "--form") settings.form = text;
        else if (name == "--directory") settings.directory = text;
        else if (name == "--operations") settings.operations = std::stoull(text);
        else if (name == "--keys") settings.keys = std::stoull(text);
        else if (name == "--seed") settings.seed = std::stoull(text);
        else if (name == "--memory-mib") settings.memory = std::stoull(text) << 20;
        else if (name == "--options") settings.options = text;
        else if (name == "--table-options") settings.tableOptions = text;
        else if (name == "--batch") settings.batch = std::stoull(text);
        else fail("no such option: " + name);
    }
    if (settings.directory.empty()) fail("--directory is needed");
    if (settings.operations == 0 || settings.memory == 0) fail("0 is too few");
    if (settings.keys == 0) settings.keys = std::max<Word>(settings.operations / 5, 1);
    if (settings.batch == 0) settings.batch = 32;
    settings.batch = std::min(settings.batch, kBatch);
    if (settings.workload != "dedup" && settings.form != "leveled")
        fail("only dedup has other forms than leveled");
    Store store(settings);
    if (settings.workload == "dedup") dedup(store);
    else if (settings.workload == "merge") merge(store);
    else if (settings.workload == "put") put(store);
    else fail("no such workload: " + settings.workload);
}
