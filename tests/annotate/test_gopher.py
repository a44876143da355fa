from curation.annotate.gopher import COLUMNS, GOPHER
from curation.text.quality import quality
from curation.text.repetition import repetition
from curation.text.segments import segment
from tests.annotate.batches import batch


def test_each_column_holds_the_measure_of_its_name():
    text = "# Lists\n- and that\n- and that\n\nThe end of the lists, and that is the end ..."
    (row,) = GOPHER.annotate(batch(text)).to_pylist()
    assert row == {**quality(segment(text))._asdict(), **repetition(segment(text))._asdict()}
    assert list(row) == COLUMNS.names
    assert len(set(COLUMNS.names)) == 21
