"""What a cell showed, gathered from the kernel's messages."""

from __future__ import annotations

from perijove.demo.kernel import Outputs, note, request_message


def test_text_pictures_results_and_errors_are_gathered():
    outputs = Outputs()
    note(outputs, "stream", {"name": "stdout", "text": "job 12\n"})
    note(outputs, "execute_result", {"data": {"text/plain": "<Job 12>"}})
    note(outputs, "display_data", {"data": {"image/png": "aWc=", "text/plain": "<Figure>"}})
    note(outputs, "error", {"ename": "ValueError", "evalue": "no", "traceback": []})
    note(outputs, "status", {"execution_state": "idle"})
    assert outputs == Outputs(text="job 12\n<Job 12>\n", pictures=["aWc="], error="ValueError: no")


def test_requests_differ_and_stop_on_error():
    first, second = request_message("1"), request_message("1")
    assert first["header"]["msg_id"] != second["header"]["msg_id"]
    assert first["content"]["stop_on_error"] is True
