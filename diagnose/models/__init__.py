"""The relational tables. Telemetry (profiles, points) is not here: `diagnose.store` keeps it in plain SQL."""

from diagnose.models.access import AuditEntry, SignInLink, Token, User
from diagnose.models.alert import AlertChannel, AlertDelivery
from diagnose.models.capture import Capture, CaptureFile
from diagnose.models.change import Change, ChangeLink
from diagnose.models.evaluation import HostEvaluation
from diagnose.models.experiment import Experiment
from diagnose.models.finding import Finding, FindingNote
from diagnose.models.forecast import ResourceForecast
from diagnose.models.host import Fact, FactChange, Host, HostEvent, ProbeState
from diagnose.models.ingest import BatchPart, IngestEpoch, IngestGap, QuarantinedBatch
from diagnose.models.report import Report
from diagnose.models.savedview import SavedView
from diagnose.models.series import Series
from diagnose.models.stacks import Frame, Service, Stack
from diagnose.models.storage import DroppedDay
from diagnose.models.upload import Upload

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AuditEntry",
    "BatchPart",
    "Capture",
    "CaptureFile",
    "Change",
    "ChangeLink",
    "DroppedDay",
    "Experiment",
    "Fact",
    "FactChange",
    "Finding",
    "FindingNote",
    "Frame",
    "Host",
    "HostEvaluation",
    "HostEvent",
    "IngestEpoch",
    "IngestGap",
    "ProbeState",
    "QuarantinedBatch",
    "Report",
    "ResourceForecast",
    "SavedView",
    "Series",
    "Service",
    "SignInLink",
    "Stack",
    "Token",
    "Upload",
    "User",
]
