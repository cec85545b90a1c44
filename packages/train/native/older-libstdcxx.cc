// Compiled into the shipped addon. Headers of GCC 11 and later call this function for an array that is too long, and
// only libstdc++ since GCC 11 (GLIBCXX_3.4.29) has it. With a hidden one of its own the addon needs GLIBCXX_3.4.18, so it
// loads wherever Node does.
#include <cstdlib>

namespace std {
__attribute__((visibility("hidden"))) void __throw_bad_array_new_length() { abort(); }
}  // namespace std
