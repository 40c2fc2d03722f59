/* SPDX-License-Identifier: MIT */
/*
 * test_new_replaced.cc - a program with an operator new and delete of its own: the forms it does not
 * define end there, too, and never in the preload library with a pointer that is not its own.
 */
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

alignas(16) char arena[1 << 20];
std::size_t used;
int news, deletes;

bool
is_own(const void *p)
{
    return p >= arena && p < arena + sizeof arena;
}

} // namespace

void *
operator new(std::size_t n)
{
    news++;
    n = (n + 15) & ~std::size_t{15};
    if (n > sizeof arena - used) {
        throw std::bad_alloc();
    }
    void *p = arena + used;
    used += n;
    return p;
}

void
operator delete(void *p) noexcept
{
    deletes += p != nullptr;
    if (p != nullptr && !is_own(p)) {
        std::fputs("a foreign block was deleted\n", stderr);
        std::abort();
    }
}

int
main()
{
    void *blocks[] = {::operator new(10), ::operator new[](10), ::operator new(10, std::nothrow),
                      ::operator new[](10, std::nothrow)};
    for (void *p : blocks) {
        if (!is_own(p)) {
            std::fputs("a form did not reach the program's operator new\n", stderr);
            return 1;
        }
    }
    if (::operator new(std::size_t{2} << 20, std::nothrow) != nullptr) {
        return 2;
    }
    ::operator delete(blocks[0], std::size_t{10});
    ::operator delete[](blocks[1], std::size_t{10});
    ::operator delete(blocks[2], std::nothrow);
    ::operator delete[](blocks[3]);
    {
        std::vector<int> v(100);
    }
    std::printf("%d of %d deleted\n", deletes, news - 1);
    return deletes == news - 1 ? 0 : 3;
}
