#pragma once
/*
 * font.h - the shapes of ASCII 32 to 126 on a grid of 5 by 7 dots: 35 bits each, rows from the top,
 * in each row the left dot first, the last dot in bit 0. The screen shows each row twice, in cells
 * of 8 by 16.
 */
#include "types.h"

#define FONT_FIRST 32
#define FONT_LAST 126
#define FONT_ROWS 7
#define FONT_COLUMNS 5
#define CELL_WIDTH 8u
#define CELL_HEIGHT 16u

static const u64 font_glyphs[FONT_LAST - FONT_FIRST + 1] = {
	// space        !            "            #            $            %            &            '
	0x000000000, 0x108421004, 0x294a00000, 0x295f57d4a, 0x11f4717c4, 0x632222263, 0x32544564d, 0x108800000,
	// (            )            *            +            ,            -            .            /
	0x088842082, 0x208210888, 0x009575480, 0x0084f9080, 0x000003088, 0x0000f8000, 0x00000018c, 0x002222200,
	// 0            1            2            3            4            5            6            7
	0x3a33ae62e, 0x11842108e, 0x3a211111f, 0x7c441062e, 0x08ca97c42, 0x7e1e0862e, 0x1910f462e, 0x7c2222108,
	// 8            9            :            ;            <            =            >            ?
	0x3a317462e, 0x3a317844c, 0x018c03180, 0x018c03088, 0x088882082, 0x001f07c00, 0x208208888, 0x3a2111004,
	// @            A            B            C            D            E            F            G
	0x3a37ada0f, 0x3a31fc631, 0x7a31f463e, 0x3a308422e, 0x72518c65c, 0x7e10f421f, 0x7e10f4210, 0x3a30bc62f,
	// H            I            J            K            L            M            N            O
	0x4631fc631, 0x38842108e, 0x1c4210a4c, 0x4654c5251, 0x42108421f, 0x4775ac631, 0x4639ace31, 0x3a318c62e,
	// P            Q            R            S            T            U            V            W
	0x7a31f4210, 0x3a318d64d, 0x7a31f5251, 0x3e107043e, 0x7c8421084, 0x46318c62e, 0x46318c544, 0x4631ad771,
	// X            Y            Z            [            backslash    ]            ^            _
	0x462a22a31, 0x463151084, 0x7c222221f, 0x39084210e, 0x020820820, 0x38421084e, 0x115100000, 0x00000001f,
	// `            a            b            c            d            e            f            g
	0x208200000, 0x000e0be2f, 0x4216cc63e, 0x000e8422e, 0x042d9c62f, 0x000e8fe0e, 0x1928e2108, 0x01f18bc2e,
	// h            i            j            k            l            m            n            o
	0x4216cc631, 0x100c2108e, 0x080610a4c, 0x4212a6292, 0x30842108e, 0x001aad631, 0x0016cc631, 0x000e8c62e,
	// p            q            r            s            t            u            v            w
	0x001e8fa10, 0x000d9bc21, 0x0016cc210, 0x000e8383e, 0x211c42126, 0x00118c66d, 0x00118c544, 0x00118d6aa,
	// x            y            z            {            |            }            ~
	0x001151151, 0x00118bc2e, 0x001f1111f, 0x0c8441083, 0x108421084, 0x608411098, 0x0008a8800,
};

// One row of dots of a cell, the left dot in bit 7. y: 0 .. CELL_HEIGHT - 1.
static inline u8 font_row(u8 character, u32 y)
{
	if (character < FONT_FIRST || character > FONT_LAST)
		character = '?';
	if (y < 1 || y > 2 * FONT_ROWS)
		return 0;
	u32 row = (y - 1) / 2;

	return (u8)((font_glyphs[character - FONT_FIRST] >> (FONT_COLUMNS * (FONT_ROWS - 1 - row)) & 31) << 2);
}
