/* SPDX-License-Identifier: MIT */
/*
 * alloc/remote.c - bringing blocks home to the heap that owns them.
 *
 * A thread that frees another's blocks collects up to 62 addresses in a 512-byte message and pushes
 * the message on owner->remote with one compare-and-swap. The blocks themselves are not touched:
 * linking through them costs both threads a cache miss a block (63-78 ns against 26-29).
 *
 * A heap keeps a few open messages, chosen by the owner's address; a message leaves when it is
 * full, when another owner needs its place, when the heap is flushed, and when its thread ends.
 *
 * Messages come from a pool of the process, bounded so that an owner who never looks cannot make
 * it grow. When none can be had, the block itself becomes an element of the queue: its first word
 * holds the next element, and bit 0 of its address in the queue is set. So a free never fails.
 *
 *   owner->remote -> message (bit 0 clear) -> block (bit 0 set) -> message -> 0
 *
 * The owner takes the whole queue with one exchange, so there is no ABA problem.
 *
 * Lock: the sender's heap for its open messages; `pool_lock` for the process's messages.
 */
#include "alloc/heap.h"
#include "alloc/os.h"
#include "alloc/poison.h"
#include "base/tls.h"

#define CHUNK_BYTES  65536u
#define MESSAGES_MAX 4096u /* in the process: 2 MiB */
#define BATCH        16u   /* messages moved between a heap and the process at once */
#define SPARE_MAX    32u   /* messages a heap keeps */
#define CHAINED      ((uintptr_t)1)

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mpyi_message *pool_free;
static uint32_t pool_made;

void
mpyi_remote_lock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_lock(&pool_lock);
    }
}

void
mpyi_remote_unlock(void)
{
    if (!mpyi_tls.forking) {
        (void)pthread_mutex_unlock(&pool_lock);
    }
}

/* Adds a chunk of messages to the process's pool; its lock is held. */
static void
make_messages(void)
{
    const uint32_t count = CHUNK_BYTES / sizeof(struct mpyi_message);
    if (pool_made + count > MESSAGES_MAX) {
        return;
    }
    struct mpyi_message *chunk = mpyi_os_map(CHUNK_BYTES, MPY_POOL_SIZE);
    if (chunk == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        chunk[i].next = pool_free;
        pool_free = &chunk[i];
    }
    pool_made += count;
}

static void
fetch_spares(struct mpyi_heap *heap)
{
    mpyi_remote_lock();
    if (pool_free == NULL) {
        make_messages();
    }
    while (pool_free != NULL && heap->spare_count < BATCH) {
        struct mpyi_message *message = pool_free;
        pool_free = message->next;
        message->next = heap->spare;
        heap->spare = message;
        heap->spare_count++;
    }
    mpyi_remote_unlock();
}

static void
return_spares(struct mpyi_heap *heap, uint32_t keep)
{
    mpyi_remote_lock();
    while (heap->spare_count > keep) {
        struct mpyi_message *message = heap->spare;
        heap->spare = message->next;
        message->next = pool_free;
        pool_free = message;
        heap->spare_count--;
    }
    mpyi_remote_unlock();
}

void
mpyi_heap_drop_spares(struct mpyi_heap *heap)
{
    return_spares(heap, 0);
}

/* An empty message, or NULL. */
static struct mpyi_message *
new_message(struct mpyi_heap *heap)
{
    if (heap->spare == NULL) {
        fetch_spares(heap);
        if (heap->spare == NULL) {
            return NULL;
        }
    }
    struct mpyi_message *message = heap->spare;
    heap->spare = message->next;
    heap->spare_count--;
    message->count = 0;
    return message;
}

/* Pushes an element whose next word is *link. */
static void
push(struct mpyi_heap *owner, uintptr_t element, uintptr_t *link)
{
    uintptr_t head = atomic_load_explicit(&owner->remote, memory_order_relaxed);
    do {
        *link = head;
    } while (!atomic_compare_exchange_weak_explicit(&owner->remote, &head, element,
                                                    memory_order_release, memory_order_relaxed));
}

void
mpyi_heap_send_box(struct mpyi_outbox *box)
{
    struct mpyi_message *message = box->message;
    if (message != NULL) {
        push(box->owner, (uintptr_t)message, (uintptr_t *)(void *)&message->next);
    }
    *box = (struct mpyi_outbox){NULL, NULL};
}

static void
send_chained(struct mpyi_heap *owner, void *p)
{
    mpyi_unpoison(p, sizeof(uintptr_t));
    push(owner, (uintptr_t)p | CHAINED, p);
}

void
mpyi_heap_send_lone(struct mpyi_space *space, void *p)
{
    send_chained(space->pools[mpyi_space_index(space, p)].owner, p);
}

void
mpyi_heap_send(struct mpyi_heap *heap, struct mpyi_heap *owner, void *p)
{
    struct mpyi_outbox *box = &heap->out[((uintptr_t)owner >> 12) % MPYI_OUTBOXES];
    if (MPY_UNLIKELY(box->owner != owner)) {
        mpyi_heap_send_box(box);
        box->message = new_message(heap);
        if (box->message == NULL) {
            send_chained(owner, p);
            return;
        }
        box->owner = owner;
    }
    struct mpyi_message *message = box->message;
    message->blocks[message->count++] = p;
    if (message->count == MPYI_MESSAGE_BLOCKS) {
        mpyi_heap_send_box(box);
    }
}

void
mpyi_heap_send_open(struct mpyi_heap *heap)
{
    for (unsigned i = 0; i < MPYI_OUTBOXES; i++) {
        mpyi_heap_send_box(&heap->out[i]);
    }
}

static void
keep_spare(struct mpyi_heap *heap, struct mpyi_message *message)
{
    message->next = heap->spare;
    heap->spare = message;
    heap->spare_count++;
    if (heap->spare_count > SPARE_MAX) {
        return_spares(heap, SPARE_MAX - BATCH);
    }
}

void
mpyi_heap_drain(struct mpyi_heap *heap)
{
    uintptr_t element = atomic_exchange_explicit(&heap->remote, 0, memory_order_acquire);
    while (element != 0) {
        if ((element & CHAINED) != 0) {
            uintptr_t *block = (uintptr_t *)(element - CHAINED);
            element = *block;
            void *p = block;
            mpyi_poison(p, sizeof *block);
            mpyi_heap_put(heap, &p, 1);
        } else {
            struct mpyi_message *message = (struct mpyi_message *)element;
            element = (uintptr_t)message->next;
            mpyi_heap_put(heap, message->blocks, message->count);
            keep_spare(heap, message);
        }
    }
}
