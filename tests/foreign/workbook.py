"""Says what another program finds in a workbook: openpyxl reads it, and writes it again.

    workbook.py IN.xlsx [OUT.xlsx]

Prints JSON: the sheets with their state, and of the first one its cells (type and value), notes, frozen pane, lists to choose from and
number formats. With OUT, saves what it read there, as a spreadsheet program would.
"""

import json
import sys

from openpyxl import load_workbook


def main(source, out=None):
    book = load_workbook(source)
    first = book.worksheets[0]
    rows = [[[cell.data_type, None if cell.value is None else str(cell.value)] for cell in row] for row in first.iter_rows()]
    notes = {cell.coordinate: cell.comment.text for row in first.iter_rows() for cell in row if cell.comment}
    print(
        json.dumps(
            {
                "sheets": [[sheet.title, sheet.sheet_state] for sheet in book.worksheets],
                "rows": rows,
                "notes": notes,
                "frozen": first.freeze_panes,
                "lists": [str(one.sqref) for one in first.data_validations.dataValidation if one.type == "list"],
                "formats": {letter: column.number_format for letter, column in first.column_dimensions.items()},
            },
            ensure_ascii=False,
        )
    )
    if out:
        book.save(out)


main(*sys.argv[1:])
