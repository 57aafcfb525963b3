"""The page of one session, from its record: one HTML file with everything in it. Measures nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pump.core.alarms import ALARMS, TEXT
from titrate import page
from titrate.calibration import pressure_words, volume_words
from titrate.plot import delivery_figure
from titrate.record import CUT_OFF, Record
from titrate.session import Session

TEMPLATE = "session.html.j2"
PAGES = Path(page.__file__).parent / "pages"
OUTCOMES = {
    "complete": "Complete: all of the plan was played.",
    "stopped": "Stopped before the end of the plan.",
    "alarm": "Ended by an alarm.",
    "running": "Watched, and left while the pump went on: what follows is as of then.",
    CUT_OFF: "The record was cut off: it has no outcome, and what follows is as of its last line.",
}


def as_page(record: Record) -> str:
    """One HTML page: figures, phases, pictures, alarms, provenance."""
    session = record.session
    origin = "simulated" if session.simulated else "real"
    return page.render(
        TEMPLATE,
        PAGES,
        record=record,
        session=session,
        origin=origin,
        summary=OUTCOMES[session.outcome],
        volumes=_volumes(session, origin),
        phases=session.phases(),
        measured=session.delivered_ml is not None,
        alarms=[(alarm, ALARMS[alarm.name][TEXT] if alarm.name in ALARMS else "") for alarm in session.alarms],
        picture=_picture(session, origin),
        facts=_facts(record, session, origin),
    )


def _volumes(session: Session, origin: str) -> list[tuple[str, float | None, float | None, str]]:
    """(name, mL, mg, where it comes from)."""
    mg_ml = float(session.plan.concentration_mg_ml)
    unmeasured = "nothing measured it"
    rows = [
        ("commanded", session.commanded_ml, "by the plan, at the time that was reached"),
        ("counted", session.counted_ml, f"pulses at the step pin, {origin}"),
        ("delivered", session.delivered_ml, unmeasured if session.delivered_ml is None else f"left the line, {origin}"),
    ]
    return [(name, volume, None if volume is None else volume * mg_ml, text) for name, volume, text in rows]


def _picture(session: Session, origin: str) -> dict[str, Any] | None:
    """Rate and volume against time; None for a record too short for one."""
    if session.reached_s - float(session.series.time_s[0] if len(session.series.time_s) else 0) <= 0:
        return None
    figure = delivery_figure(session.plan, session.series, session.simulated)
    caption = (
        f"Rate, volume, and how far ahead of commanded ({origin}). Grey is commanded, blue counted, orange delivered."
    )
    return {"svg": page.inline_svg(figure, caption), "caption": caption}


def _calibration(session: Session) -> list[tuple[str, str]]:
    found = session.calibration
    if found is None:
        return [("calibration", "not in the record")]
    return [
        (f"calibration of {session.plan.syringe}", volume_words(found["syringe"])),
        ("calibration of the pressure", pressure_words(found["pressure"])),
    ]


def _facts(record: Record, session: Session, origin: str) -> list[tuple[str, str]]:
    header, plan = record.header, session.plan
    return [
        ("begun", header["begun"]),
        ("target", f"{session.target} ({origin})"),
        ("board", f"{session.hello['board']}, number {session.hello['serial']}"),
        ("firmware digest", session.hello["firmware"]),
        ("host", f"titrate {header['titrate']}, tables {session.hello['wire']}"),
        ("program digest", session.digest),
        *_calibration(session),
        ("drug library", session.library or "none in the pump"),
        ("drug", f"{plan.drug}, {float(plan.concentration_mg_ml):.6g} mg/mL, for {float(plan.weight_kg):g} kg"),
        ("syringes", f"{session.syringes_fitted} x {plan.syringe}"),
        ("before this session", f"{session.from_ml:.4f} mL"),
        ("device time", f"{session.device_seconds:.1f} s"),
        ("seed", "–" if session.seed is None else str(session.seed)),
        ("samples", f"{len(record.time_s)}, at least every {header['every_s']:g} s"),
    ]
