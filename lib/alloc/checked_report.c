/* SPDX-License-Identifier: MIT */
/*
 * alloc/checked_report.c - what the checked layer says about a fault.
 *
 *   free of P: <fault>: <what P is>
 *     block: N bytes at A, serial S, size class C, pool Q
 *     allocated at <site>
 *     freed at <site>
 *     found at <site>
 *     next: <what to do>
 *
 * A text is built in a buffer on the stack; nothing here allocates. A call site is an address, and
 * with dladdr() a symbol, an object file and the offset in it, as addr2line takes it. What an
 * address is that belongs to nobody is found out last: dladdr() knows programs and libraries,
 * /proc/self/maps knows stacks.
 *
 * Lock: none but what dladdr() takes.
 */
#include "alloc/checked.h"

#include "alloc/region.h"
#include "base/callsite.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text {
    size_t n;
    char bytes[1000];
};

static void
add(struct text *text, const char *format, ...) MPY_PRINTF(2, 3);

static void
add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof text->bytes - text->n;
    int n = vsnprintf(text->bytes + text->n, room, format, args);
    va_end(args);
    if (n > 0) {
        text->n += (size_t)n < room ? (size_t)n : room - 1;
    }
}

static void
deliver(const struct text *text, int fatal)
{
    if (fatal) {
        mpyi_fatal("%s", text->bytes);
    }
    mpyi_report("%s", text->bytes);
}

/* ---- call sites ------------------------------------------------------------------------------ */

static const char *
file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* What stands in front is the call, so the address is looked up one byte before. */
static void
add_site(struct text *text, const char *what, const void *site)
{
    Dl_info info;
    if (site == NULL) {
        return;
    }
    add(text, "\n  %s %p", what, site);
    if (dladdr((const char *)site - 1, &info) == 0 || info.dli_fname == NULL) {
        return;
    }
    size_t offset = (uintptr_t)site - (uintptr_t)info.dli_fbase;
    if (info.dli_sname != NULL) {
        add(text, " (%s+0x%zx in %s+0x%zx)", info.dli_sname,
            (size_t)((uintptr_t)site - (uintptr_t)info.dli_saddr), file_name(info.dli_fname),
            offset);
    } else {
        add(text, " (%s+0x%zx)", file_name(info.dli_fname), offset);
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static const char *
kind_name(unsigned kind)
{
    static const char *const names[] = {"mpy_mem_*", "mpy_obj_* or an array", "an atom",
                                        "a container", "a region"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "raw memory";
}

/* The space that holds an address, of those the caller may look into, and the index of its pool. */
static struct mpyi_space *
space_of(struct mpyi_rtheap *runtime, const void *p, uint32_t *index)
{
    runtime = runtime != NULL ? runtime : mpyi_rtheap_current();
    struct mpyi_space *spaces[3] = {&mpyi_mem_space, NULL, NULL};
    if (runtime != NULL) {
        spaces[1] = &runtime->obj_space;
        spaces[2] = &runtime->gc_space;
    }
    for (unsigned i = 0; i < 3 && spaces[i] != NULL; i++) {
        *index = mpyi_space_find(spaces[i], p);
        if (*index != MPYI_NO_POOL) {
            return spaces[i];
        }
    }
    return NULL;
}

static void
add_pool(struct text *text, struct mpyi_rtheap *runtime, const void *p)
{
    uint32_t index;
    const struct mpyi_space *space = space_of(runtime, p, &index);
    if (space == NULL) {
        add(text, ", large");
    } else if (space->classes[index] == 0) {
        add(text, ", pool %p (no blocks)", (void *)space->pools[index].address);
    } else {
        add(text, ", size class %zu, pool %p", mpyi_class_size(space->classes[index]),
            (void *)space->pools[index].address);
    }
}

static void
add_block(struct text *text, const struct mpyi_asker *asker, const struct mpyi_mark *mark)
{
    add(text, "\n  block: %zu bytes at %p of %s, serial %llu", mark->n, (void *)mark->p,
        kind_name(mark->kind), (unsigned long long)mark->serial);
    add_pool(text, asker->runtime, mark->p - mark->front);
    add_site(text, "allocated at", mark->alloc_site);
    if (mark->state == MPYI_MARK_FREED && mark->free_site != mpyi_host_site(asker->site)) {
        add_site(text, "freed at", mark->free_site);
    }
}

/* What a fault is called, and what to do about it. */
struct advice {
    const char *name, *next;
};

#define NEXT_WRITE                                                                                 \
    "look for a write past the block's end, given where it was allocated; Valgrind or the "        \
    "asan-pools build stop at the write itself"

static const struct advice block_advice[] = {
    [MPYI_DOUBLE_FREE] = {"double free", "one of the two frees is wrong: find which of them does "
                                         "not own the block"},
    [MPYI_WRONG_SIZE] = {"wrong size", "give the size that was last requested, or call the free "
                                       "without a size"},
    [MPYI_WRONG_KIND] = {"wrong domain", "free the block with its own domain's function; objects "
                                         "end by mpy_decref()"},
    [MPYI_OVERFLOW] = {"overflow", NEXT_WRITE},
    [MPYI_UNDERFLOW] = {"underflow", "look for a write before the block's start, or past the end "
                                     "of the block before it"},
    [MPYI_WRITE_AFTER_FREE] = {"write after free", "somebody kept a pointer past the free: look "
                                                   "at who had the block when it was freed"},
    [MPYI_USE_OF_FREED] = {"use after free", "somebody kept a pointer past the free: look at who "
                                             "had the block when it was freed"},
};

void
mpyi_checked_block_fault(const struct mpyi_asker *asker, enum mpyi_block_fault fault, const void *p,
                         const struct mpyi_mark *mark, int fatal)
{
    struct text text = {0, ""};
    const char *name = block_advice[fault].name;
    switch (fault) {
    case MPYI_DOUBLE_FREE:
        add(&text, "free of %p: %s: the block was freed before", p, name);
        break;
    case MPYI_WRONG_SIZE:
        add(&text, "free of %p: %s: %zu bytes were given, %zu requested", p, name, asker->n,
            mark->n);
        break;
    case MPYI_WRONG_KIND:
        add(&text, "free of %p: %s: the block belongs to %s", p, name, kind_name(mark->kind));
        break;
    case MPYI_OVERFLOW:
        add(&text, "block %p: %s: the byte %zu past its end was written", (void *)mark->p, name,
            (size_t)((const char *)p - (mark->p + mark->n)) + 1);
        break;
    case MPYI_UNDERFLOW:
        add(&text, "block %p: %s: the byte %zu before its start was written", (void *)mark->p, name,
            (size_t)(mark->p - (const char *)p));
        break;
    case MPYI_WRITE_AFTER_FREE:
        add(&text, "block %p: %s: its byte %zu was written", (void *)mark->p, name,
            (size_t)((const char *)p - mark->p));
        break;
    case MPYI_USE_OF_FREED:
        add(&text, "block %p: %s: it was passed on as if it were alive", p, name);
        break;
    }
    add_block(&text, asker, mark);
    add_site(&text, "found at", mpyi_host_site(asker->site));
    add(&text, "\n  next: %s", block_advice[fault].next);
    deliver(&text, fatal);
}

void
mpyi_checked_site_text(char *out, size_t room, const void *site)
{
    struct text text = {0, ""};
    add_site(&text, "", site);
    (void)snprintf(out, room, "%s", text.n > 4 ? text.bytes + 4 : "");
}

void
mpyi_checked_misuse(const char *call, const char *what, const char *next, const void *site)
{
    struct text text = {0, ""};
    add(&text, "%s(): %s", call, what);
    add_site(&text, "found at", mpyi_host_site(site));
    add(&text, "\n  next: %s", next);
    mpyi_fatal("%s", text.bytes);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* One line of /proc/self/maps: "from-to perms offset device inode   path". */
struct mapping {
    uintptr_t from, to;
    int stack; /* the path is [stack] */
};

static int
parse_mapping(const char *line, struct mapping *out)
{
    char *end;
    out->from = (uintptr_t)strtoull(line, &end, 16);
    if (*end != '-') {
        return 0;
    }
    out->to = (uintptr_t)strtoull(end + 1, &end, 16);
    out->stack = strstr(end, "[stack") != NULL;
    return 1;
}

/* The mapping that contains the address: 1, or 0 when none is known. */
static int
find_mapping(uintptr_t address, struct mapping *out)
{
    char buffer[1024];
    size_t kept = 0;
    int found = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    while (!found) {
        ssize_t got = read(fd, buffer + kept, sizeof buffer - 1 - kept);
        if (got <= 0) {
            break;
        }
        kept += (size_t)got;
        buffer[kept] = '\0';
        char *line = buffer;
        for (char *end; !found && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            found = parse_mapping(line, out) && address - out->from < out->to - out->from;
        }
        kept -= (size_t)(line - buffer);
        /* A path that does not fit belongs to a file: of no interest. */
        kept = kept < sizeof buffer - 1 ? kept : 0;
        memmove(buffer, line, kept);
    }
    (void)close(fd);
    return found;
}

static int
is_static(const void *p)
{
    Dl_info info;
    return dladdr(p, &info) != 0;
}

static int
is_stack(const void *p)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    struct mapping mapping;
    return find_mapping((uintptr_t)p, &mapping) &&
           (mapping.stack || here - mapping.from < mapping.to - mapping.from);
}

int
mpyi_checked_not_malloced(const void *p)
{
    return is_static(p) || is_stack(p);
}

static void
add_static(struct text *text, const void *p)
{
    Dl_info info;
    if (dladdr(p, &info) == 0) {
        return;
    }
    add(text, "\n  it lies in %s", info.dli_fname != NULL ? file_name(info.dli_fname) : "?");
    if (info.dli_sname != NULL) {
        add(text, ", %s+0x%zx", info.dli_sname, (size_t)((uintptr_t)p - (uintptr_t)info.dli_saddr));
    }
}

int
mpyi_checked_around(struct mpyi_rtheap *runtime, const void *p, struct mpyi_mark *out)
{
    runtime = runtime != NULL ? runtime : mpyi_rtheap_current();
    mpyi_marks_lock(&mpyi_mem_marks);
    const struct mpyi_mark *mark = mpyi_marks_around(&mpyi_mem_marks, p);
    if (mark == NULL && runtime != NULL) {
        mark = mpyi_marks_around(&runtime->marks, p);
    }
    if (mark != NULL) {
        *out = *mark;
    }
    mpyi_marks_unlock(&mpyi_mem_marks);
    return mark != NULL || mpyi_regions_around(runtime, p, out);
}

#define NEXT_REGION "free the block with mpy_region_free() and the region that gave it"
#define NEXT_INSIDE "free the address that the allocation returned"

/* Into a block with a record. */
static void
add_around(struct text *text, const struct mpyi_asker *asker, const void *p,
           const struct mpyi_mark *mark)
{
    const char *name = ((uintptr_t)p & 7) != 0 ? "unaligned pointer" : "interior pointer";
    const char *next = NEXT_INSIDE;
    ptrdiff_t offset = (const char *)p - mark->p;
    if (offset == 0) {
        name = block_advice[MPYI_WRONG_KIND].name;
        next = mark->kind == MPY_KIND_REGION ? NEXT_REGION : block_advice[MPYI_WRONG_KIND].next;
    }
    add(text, "%s: %td bytes from the start of a block%s", name, offset,
        mark->state == MPYI_MARK_FREED ? " that was freed" : "");
    add_block(text, asker, mark);
    add_site(text, "found at", mpyi_host_site(asker->site));
    add(text, "\n  next: %s", next);
}

/* Into a pool, where no record is. */
static void
add_pooled(struct text *text, const struct mpyi_asker *asker, const void *p,
           const struct mpyi_space *space, uint32_t index)
{
    const struct mpyi_pool *pool = &space->pools[index];
    unsigned size_class = space->classes[index];
    const char *name = "free block or pool";
    const char *next = "nothing is allocated there: look for a double free, or for a pointer that "
                       "was kept past the free";
    size_t inside = 0;
    if (size_class != 0) {
        unsigned block = mpyi_block_index(size_class, mpyi_pool_offset(p));
        inside = mpyi_pool_offset(p) - block * mpyi_class_size(size_class);
    }
    if (((uintptr_t)p & 7) != 0) {
        name = "unaligned pointer";
        next = NEXT_INSIDE;
    } else if (space != asker->heap->space ||
               (pool->owner != NULL && pool->kind != asker->heap->kind) ||
               (pool->kind == MPY_KIND_REGION && pool->owner != asker->heap)) {
        name = block_advice[MPYI_WRONG_KIND].name;
        next = pool->kind == MPY_KIND_REGION ? NEXT_REGION : block_advice[MPYI_WRONG_KIND].next;
    } else if (inside != 0) {
        name = "interior pointer, or a double free";
        next = "free the address that the allocation returned, and once";
    }
    add(text, "%s: %zu bytes from the start of a block of %s", name, inside, kind_name(pool->kind));
    add_pool(text, asker->runtime, p);
    add_site(text, "found at", mpyi_host_site(asker->site));
    add(text, "\n  next: %s", next);
}

/* Into nothing of ours. */
static void
add_foreign(struct text *text, const struct mpyi_asker *asker, const void *p)
{
    const char *next = "free it with the allocator it came from: free(), mpy_raw_free(), or the "
                       "heap or runtime that gave it";
    if (is_static(p)) {
        add(text, "static pointer: it points into a program or library");
        add_static(text, p);
        next = "free only what an allocation returned";
    } else if (is_stack(p)) {
        add(text, "stack pointer: it points at a variable on a stack");
        next = "free only what an allocation returned";
    } else if (((uintptr_t)p & 7) != 0) {
        add(text, "unaligned pointer: no block of any allocator starts there");
        next = NEXT_INSIDE;
    } else {
        add(text, "foreign pointer: this domain did not allocate it");
    }
    add_site(text, "found at", mpyi_host_site(asker->site));
    add(text, "\n  next: %s", next);
}

void
mpyi_checked_bad_pointer(const struct mpyi_asker *asker, const void *p)
{
    struct text text = {0, ""};
    struct mpyi_mark mark;
    uint32_t index;
    add(&text, "free of %p: ", p);
    const struct mpyi_space *space = space_of(asker->runtime, p, &index);
    if (mpyi_checked_around(asker->runtime, p, &mark)) {
        add_around(&text, asker, p, &mark);
    } else if (space != NULL) {
        add_pooled(&text, asker, p, space, index);
    } else {
        add_foreign(&text, asker, p);
    }
    mpyi_fatal("%s", text.bytes);
}
