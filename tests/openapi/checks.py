"""Counts requests, and ends a run that has sent its share."""

import os
import pathlib

import schemathesis

COUNT = pathlib.Path(os.environ["BESACE_COUNT"])
sent = 0


@schemathesis.hook
def after_call(context, case, response):
    global sent
    sent += 1
    COUNT.write_text(str(sent))
