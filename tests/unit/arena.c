/* Promises of include/msp/arena.h. */
#include "msp/arena.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

Test(arena, pieces_are_aligned_and_do_not_overlap)
{
    static const size_t sizes[] = {0, 1, 7, 8, 16, 17, 100, 255, 256, 257, 5000, 3};
    enum { ROUNDS = 50, KINDS = sizeof sizes / sizeof sizes[0] };
    struct msp_arena *arena = msp_arena_new(256);
    unsigned char *pieces[ROUNDS][KINDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < KINDS; kind++) {
            unsigned char *piece = msp_arena_alloc(arena, sizes[kind]);
            cr_assert_not_null(piece);
            cr_assert_eq((uintptr_t)piece % alignof(max_align_t), 0);
            memset(piece, round * KINDS + kind, sizes[kind]);
            pieces[round][kind] = piece;
        }
    for (int round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < KINDS; kind++)
            for (size_t i = 0; i < sizes[kind]; i++)
                cr_assert_eq(pieces[round][kind][i], (unsigned char)(round * KINDS + kind));
    msp_arena_free(arena);
}

Test(arena, a_reset_gives_all_but_the_first_chunk_back)
{
    struct msp_arena *arena = msp_arena_new(1024);
    size_t at_first = msp_arena_footprint_bytes(arena);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 100; i++)
            cr_assert_not_null(msp_arena_alloc(arena, 300));
        cr_assert_gt(msp_arena_footprint_bytes(arena), at_first);
        msp_arena_reset(arena);
        cr_assert_eq(msp_arena_footprint_bytes(arena), at_first);
    }
    msp_arena_free(arena);
}

Test(arena, a_piece_larger_than_a_chunk_is_given)
{
    struct msp_arena *arena = msp_arena_new(256);
    char *piece = msp_arena_alloc(arena, 1000000);
    cr_assert_not_null(piece);
    memset(piece, 'x', 1000000);
    cr_assert_geq(msp_arena_footprint_bytes(arena), 1000000);
    msp_arena_free(arena);
}

Test(arena, sizes_that_overflow_give_NULL)
{
    struct msp_arena *arena = msp_arena_new(256);
    volatile size_t huge = SIZE_MAX;
    cr_assert_null(msp_arena_alloc(arena, huge));
    cr_assert_null(msp_arena_alloc(arena, huge - 20));
    cr_assert_null(msp_arena_calloc(arena, huge / 2, 3));
    cr_assert_null(msp_arena_copy(arena, "x", huge));
    cr_assert_not_null(msp_arena_alloc(arena, 10), "the arena is still good");
    msp_arena_free(arena);
}

Test(arena, calloc_clears_what_was_used_before)
{
    struct msp_arena *arena = msp_arena_new(256);
    memset(msp_arena_alloc(arena, 200), 0xFF, 200);
    msp_arena_reset(arena);
    const unsigned char *piece = msp_arena_calloc(arena, 50, 4);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(piece[i], 0);
    msp_arena_free(arena);
}

Test(arena, copies_end_with_NUL)
{
    struct msp_arena *arena = msp_arena_new(256);
    cr_assert_str_eq(msp_arena_copy(arena, "ticket", 4), "tick");
    cr_assert_str_eq(msp_arena_copy(arena, NULL, 0), "");
    msp_arena_free(arena);
}

Test(arena, printf_takes_texts_of_any_length)
{
    struct msp_arena *arena = msp_arena_new(256);
    cr_assert_str_eq(msp_arena_printf(arena, "%s-%d", "a", 7), "a-7");
    const char *wide = msp_arena_printf(arena, "%9000d", 1);
    cr_assert_eq(strlen(wide), 9000);
    msp_arena_free(arena);
}

Test(arena, freeing_NULL_is_fine)
{
    msp_arena_free(NULL);
}
