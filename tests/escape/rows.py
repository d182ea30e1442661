# SPDX-License-Identifier: GPL-2.0-or-later
"""The two tests of every row: it holds here, and works where nothing protects.

A module with a list ROWS imports both names; conftest.py hands each its rows.
"""
from arena import check_control, check_holds


def test_holds(row, attempt, server):
    check_holds(row, attempt, server)


def test_control(control_row, attempt, request):
    stock = request.getfixturevalue("stock") \
        if control_row.control == "stock" else None
    check_control(control_row, attempt, stock)
