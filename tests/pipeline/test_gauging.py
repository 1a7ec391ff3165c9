"""What passes are told about the device is what the report of the finished build says."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgecompress.errors import MissingToolError, PromiseError
from edgecompress.pipeline import gauging
from edgecompress.pipeline.build import build, check_budgets
from edgecompress.pipeline.gauging import DeviceGauge
from edgecompress.report.records import PassRecord, PromiseRecord, Report
from edgecompress.report.summary import promise_line
from edgecompress.targets import find
from models import digits_cnn
from models.example import make


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.h5 with its recipe and its data."""
    folder = tmp_path_factory.mktemp("budgets")
    make(replace(digits_cnn.EXAMPLE, epochs=2), folder, digits_cnn.samples())
    return folder / "model.h5"


def figures(report: Report) -> dict[str, int | None]:
    return {"cycles": report.cycles.typical, "flash": report.flash.total, "ram": report.ram.arena}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cycles", "flash", "ram"])
def test_the_finished_firmware_keeps_to_the_budget_that_a_pass_was_given(digits: Path, kind: str) -> None:
    whole = build(digits, passes="", target="cortex-m4", out=digits.parent / "whole").report
    asked = 0.8
    text = f"filters{{{kind}={asked},multiple=2,epochs=1}}"
    built = build(digits, passes=text, target="cortex-m4", out=digits.parent / kind)
    (record,) = built.report.passes
    found, before = figures(built.report)[kind], figures(whole)[kind]
    assert found is not None
    assert before is not None
    assert record.reached_in_tflite == found
    assert record.status == "kept"
    assert found <= record.promise.bound[0] == pytest.approx(asked * before, rel=0.02)
    assert record.reached == pytest.approx(found, rel=0.02)
    assert "in the firmware" in promise_line(record)
    check_budgets(built.report)


def test_a_promise_that_the_firmware_does_not_keep_is_an_error_with_both_figures() -> None:
    promise = PromiseRecord("at most 1,000 modelled cycles on cortex-m4", "cycles", (1000.0,), ())
    record = PassRecord("filters{cycles=0.5}", promise, 990.0, reached_in_tflite=1010.0, status="broken")
    with pytest.raises(PromiseError) as caught:
        check_budgets(Report(passes=(record,)))
    for part in ("filters{cycles=0.5}", "at most 1,000 modelled cycles", "1,010"):
        assert part in str(caught.value)
    check_budgets(Report(passes=(replace(record, status="kept"),)))


def test_a_missing_emulator_is_told_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingToolError, match="cortex-m55 is emulated by QEMU"):
        gauging.compress(
            {
                "model": "nowhere.h5",
                "out": "nowhere",
                "overrides": {"passes": "filters{cycles=0.5}", "build.target": "cortex-m55"},
            }
        )


def test_codes_and_limits_of_a_build_are_no_part_of_what_passes_are_told() -> None:
    assert [gauging.dense_wish(word).optimize for word in (None, "size", "ram", "speed")] == [
        "balanced",
        "balanced",
        "ram",
        "speed",
    ]
    assert gauging.dense_wish("ram").ram_bytes is None


def test_another_device_or_another_schedule_is_another_key() -> None:
    one = DeviceGauge(find("cortex-m4"))
    others = [DeviceGauge(find("cortex-m7")), replace(one, wish=gauging.dense_wish("ram")), replace(one, shrinks=False)]
    assert len({gauge.key for gauge in (one, *others)}) == 4
    assert DeviceGauge(find("cortex-m4")).key == one.key
