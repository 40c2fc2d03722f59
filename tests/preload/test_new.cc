/* SPDX-License-Identifier: MIT */
/*
 * test_new.cc - operators new and delete: every form, containers, failure by handler and exception.
 *
 * A program of its own, without cmocka: exceptions are expected here. It ends with the number of the
 * first line that failed on stderr.
 */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (0)

namespace {

using block_fn = std::size_t (*)(const void *);

std::size_t
block_of(const void *p)
{
    auto fn = reinterpret_cast<block_fn>(dlsym(RTLD_DEFAULT, "mpy_priv_preload_block"));
    CHECK(fn != nullptr);
    return fn(p);
}

/* Not a constant, so that the compiler keeps the call. */
volatile std::size_t huge = PTRDIFF_MAX;

struct alignas(256) wide {
    char bytes[256];
};

void
every_form()
{
    const std::align_val_t wide_align{128};
    for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{200},
                          std::size_t{512}, std::size_t{5000}}) {
        void *p = ::operator new(n);
        void *q = ::operator new[](n);
        void *r = ::operator new(n, std::nothrow);
        void *s = ::operator new[](n, std::nothrow);
        CHECK(p && q && r && s);
        CHECK(reinterpret_cast<std::uintptr_t>(p) % (n > 8 ? 16 : 8) == 0);
        CHECK((block_of(p) != 0) == (n <= 512) && (block_of(q) != 0) == (n <= 512));
        CHECK((block_of(r) != 0) == (n <= 512) && (block_of(s) != 0) == (n <= 512));
        ::operator delete(p, n);
        ::operator delete[](q, n);
        ::operator delete(r, std::nothrow);
        ::operator delete[](s, std::nothrow);
        p = ::operator new(n, wide_align);
        q = ::operator new[](n, wide_align);
        r = ::operator new(n, wide_align, std::nothrow);
        s = ::operator new[](n, wide_align, std::nothrow);
        for (void *each : {p, q, r, s}) {
            CHECK(each != nullptr && reinterpret_cast<std::uintptr_t>(each) % 128 == 0);
        }
        ::operator delete(p, n, wide_align);
        ::operator delete[](q, n, wide_align);
        ::operator delete(r, wide_align, std::nothrow);
        ::operator delete[](s, wide_align, std::nothrow);
        ::operator delete(::operator new(n));
        ::operator delete[](::operator new[](n));
        ::operator delete(::operator new(n, wide_align), wide_align);
        ::operator delete[](::operator new[](n, wide_align), wide_align);
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr, std::size_t{8});
    std::unique_ptr<wide> one(new wide);
    CHECK(reinterpret_cast<std::uintptr_t>(one.get()) % 256 == 0);
    std::vector<wide> many(10);
    CHECK(reinterpret_cast<std::uintptr_t>(many.data()) % 256 == 0);
}

template <typename Fn>
bool
throws_bad_alloc(Fn fn)
{
    try {
        fn();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

int handler_calls;

void
handler()
{
    if (++handler_calls == 3) {
        std::set_new_handler(nullptr);
    }
}

template <typename Fn>
void
fails_properly(Fn fn)
{
    CHECK(throws_bad_alloc(fn));
    handler_calls = 0;
    std::set_new_handler(handler);
    CHECK(throws_bad_alloc(fn));
    CHECK(handler_calls == 3);
}

void
failures()
{
    const std::align_val_t wide_align{64};
    fails_properly([] { ::operator delete(::operator new(huge)); });
    fails_properly([] { ::operator delete[](::operator new[](huge)); });
    fails_properly([=] { ::operator delete(::operator new(huge, wide_align), wide_align); });
    fails_properly([=] { ::operator delete[](::operator new[](huge, wide_align), wide_align); });
    CHECK(throws_bad_alloc([] { std::string(huge / 2, 'x'); }));
    CHECK(::operator new(huge, std::nothrow) == nullptr);
    CHECK(::operator new[](huge, std::nothrow) == nullptr);
    CHECK(::operator new(huge, wide_align, std::nothrow) == nullptr);
    CHECK(::operator new[](huge, wide_align, std::nothrow) == nullptr);
    handler_calls = 0;
    std::set_new_handler(handler);
    CHECK(::operator new(huge, std::nothrow) == nullptr && handler_calls == 3);
}

void
containers()
{
    std::map<std::string, std::vector<int>> index;
    for (int i = 0; i < 20000; i++) {
        index["key number " + std::to_string(i % 997)].push_back(i);
    }
    std::size_t total = 0;
    for (const auto &entry : index) {
        total += entry.second.size();
    }
    CHECK(total == 20000 && index.size() == 997);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([] {
            std::vector<std::unique_ptr<std::string>> strings;
            for (int k = 0; k < 5000; k++) {
                strings.push_back(std::make_unique<std::string>(static_cast<std::size_t>(k % 700), 'a'));
            }
            std::reverse(strings.begin(), strings.end());
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
}

} // namespace

int
main()
{
    every_form();
    failures();
    containers();
    std::puts("new and delete: every form");
    return 0;
}
