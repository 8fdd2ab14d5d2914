#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vdso_bytes.sh IMAGE OUTPUT: assembly that holds IMAGE's bytes between two symbols.
{
    echo '.section .rodata.vdso, "a", @progbits'
    echo '.balign 16'
    echo '.globl vdso_image, vdso_image_end'
    echo '.hidden vdso_image, vdso_image_end'
    echo 'vdso_image:'
    od -An -v -tu1 "$1" | sed -e 's/^ *//' -e 's/  */,/g' -e 's/^/.byte /'
    echo 'vdso_image_end:'
    echo '.section .note.GNU-stack, "", @progbits'
} >"$2"
