/* SPDX-License-Identifier: MIT */
/*
 * 05_host_type.c - a C struct as a type of the runtime: data, references, methods, text.
 *
 * A stack of accounts: the struct holds a reference the library manages ("owner") and plain data.
 */
#include <minipy.h>

#include <stdio.h>
#include <stdlib.h>

struct account {
    mpy_object *owner; /* reference 0: traversed, counted and dropped by the library */
    int64_t cents;
};

static mpy_object *account_type;

static struct account *
account_of(mpy_object *self)
{
    void *data;
    return mpy_type_data(self, account_type, &data) == 0 ? data : NULL;
}

static int
account_init(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    struct account *account = account_of(self);
    (void)kwnames;
    if (account == NULL) {
        return -1;
    }
    if (nargs != 1 || !mpy_str_check(argv[0])) {
        mpy_err_set_code(MPY_EXC_TYPE_ERROR, "Account(): expected the name of its owner");
        return -1;
    }
    mpy_assign(&account->owner, argv[0]);
    return 0;
}

static mpy_object *
account_repr(mpy_object *self)
{
    struct account *account = account_of(self);
    return account == NULL
               ? NULL
               : mpy_str_format("<Account of %O: %d.%02d>", account->owner,
                                (int)(account->cents / 100), (int)(account->cents % 100));
}

static mpy_object *
account_deposit(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    struct account *account = account_of(self);
    int64_t cents;
    (void)nargs; /* the spec says: exactly one */
    (void)kwnames;
    if (account == NULL || mpy_int_as_i64(argv[0], &cents) < 0) {
        return NULL;
    }
    account->cents += cents;
    return MPY_NONE;
}

static const mpy_func_spec account_methods[] = {
    {.name = "deposit", .fn = account_deposit, .min_args = 1, .max_args = 1},
    {.name = NULL},
};

static const mpy_member_spec account_members[] = {
    {.name = "owner", .index = 0, .flags = MPY_MEMBER_READONLY},
    {.name = NULL},
};

static const mpy_type_spec account_spec = {
    .size = sizeof(mpy_type_spec),
    .version = 1,
    .name = "bank.Account",
    .ref_count = 1,
    .data_size = sizeof(struct account),
    .members = account_members,
    .methods = account_methods,
    .init = account_init,
    .repr = account_repr,
};

static int
run(void)
{
    MPY_AUTO mpy_object *name = mpy_str_from_utf8("Ada");
    MPY_AUTO mpy_object *amount = mpy_int_from_i64(12345);
    MPY_AUTO mpy_object *account = NULL;
    MPY_AUTO mpy_object *none = NULL;
    MPY_AUTO mpy_object *text = NULL;
    const char *utf8;
    account_type = mpy_type_from_spec(&account_spec, NULL);
    if (account_type == NULL || name == NULL || amount == NULL) {
        return -1;
    }
    account = mpy_call(account_type, &name, 1, NULL);
    if (account == NULL) {
        return -1;
    }
    none = mpy_call_method_utf8(account, "deposit", &amount, 1);
    text = none != NULL ? mpy_object_repr(account) : NULL;
    if (text == NULL || mpy_str_as_utf8(text, &utf8, NULL) < 0) {
        return -1;
    }
    printf("%s\n", utf8);
    return 0;
}

int
main(void)
{
    mpy_runtime *rt;
    int result;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return EXIT_FAILURE;
    }
    result = run();
    mpy_clear(&account_type);
    return mpy_runtime_free(rt, NULL) == MPY_OK && result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
