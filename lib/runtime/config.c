/* SPDX-License-Identifier: MIT */
/*
 * runtime/config.c - mpy_config: integer options by name, the error function, the host's
 * allocators.
 *
 * Options are named, not fields of a public struct, so that new ones need no new ABI. The table is
 * made from MPYI_CONFIG_OPTIONS: name, range and default of an option stand in one place.
 *
 * Invariant: every field of a config is in its option's range.
 *
 * Lock: none; a config belongs to one thread at a time, and a runtime copies what it needs.
 */
#include "runtime/config.h"

#include "alloc/arenahost.h"
#include "alloc/domain.h"
#include "base/status.h"

#include <string.h>

struct option {
    const char *name;
    size_t offset;
    int64_t dflt, low, high;
};

static const struct option table[] = {
#define OPTION_ROW(field, name, dflt, low, high)                                                   \
    {name, offsetof(struct mpy_config, field), dflt, low, high},
    MPYI_CONFIG_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
};

#define OPTION_COUNT (sizeof table / sizeof table[0])

static const struct option *
option_named(const char *name)
{
    for (size_t i = 0; name != NULL && i < OPTION_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

void
mpyi_config_defaults(struct mpy_config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        memcpy((char *)config + table[i].offset, &table[i].dflt, sizeof table[i].dflt);
    }
}

mpy_config *
mpy_config_new(void)
{
    mpy_config *config = mpy_raw_malloc(sizeof *config);
    if (config != NULL) {
        mpyi_config_defaults(config);
    }
    return config;
}

void
mpy_config_free(mpy_config *config)
{
    mpy_raw_free(config);
}

int
mpy_config_has(const mpy_config *config, const char *name)
{
    return config != NULL && option_named(name) != NULL;
}

int
mpy_config_set_int(mpy_config *config, const char *name, int64_t value)
{
    const struct option *option = option_named(name);
    if (config == NULL || option == NULL || value < option->low || value > option->high) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    memcpy((char *)config + option->offset, &value, sizeof value);
    return 0;
}

int
mpy_config_get_int(const mpy_config *config, const char *name, int64_t *out)
{
    const struct option *option = option_named(name);
    if (out != NULL) {
        *out = 0;
    }
    if (config == NULL || option == NULL || out == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    memcpy(out, (const char *)config + option->offset, sizeof *out);
    return 0;
}

void
mpy_config_set_error_fn(mpy_config *config, mpy_write_fn fn, void *data)
{
    if (config == NULL) {
        mpyi_status_set(MPY_E_INVAL);
        return;
    }
    config->error_fn = fn;
    config->error_data = data;
}

int
mpy_config_set_allocator(mpy_config *config, int domain, const mpy_allocator *allocator)
{
    mpy_allocator host = {0};
    if (config == NULL || domain != MPY_DOMAIN_OBJ ||
        (allocator != NULL && mpyi_allocator_read(allocator, &host) < 0)) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    config->host = host;
    return 0;
}

int
mpy_config_set_arena_allocator(mpy_config *config, const mpy_arena_allocator *arenas)
{
    mpy_arena_allocator host = {0};
    if (config == NULL || (arenas != NULL && mpyi_arena_allocator_read(arenas, &host) < 0)) {
        mpyi_status_set(MPY_E_INVAL);
        return -1;
    }
    config->arenas = host;
    return 0;
}
