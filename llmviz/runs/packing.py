"""Runs that leave as one .zip file and come back as such: where they lie, who may, and whose they are then.

What is in a .zip, and what of it is believed, is the business of `archive`. No torch.
"""

import io
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from llmviz.runs.archive import ZIP_SECONDS, remove_old, unzip_run, zip_run
from llmviz.runs.directory import RunDirectory
from llmviz.runs.limits import too_large, too_large_to_open
from llmviz.runs.names import opened_name
from llmviz.runs.owners import hash_token
from llmviz.runs.refusal import Refused, disk_troubles_told
from llmviz.text.tokenizers import TokenizerError, load_tokenizer

if TYPE_CHECKING:
    from llmviz.runs.host import Host


class Packing:
    """Packs and unpacks the runs of a host."""

    def __init__(self, host: "Host") -> None:
        self.host = host

    @disk_troubles_told()
    def pack(self, run_id: str) -> Path:
        """A run as one .zip file: its path, good for an hour, or until the run is deleted."""
        host = self.host
        entry = host.library.get(run_id)
        remove_old(host.zips, ZIP_SECONDS)
        zipped = zip_run(entry.run, entry.dataset, host.zips / f"{run_id}-{secrets.token_hex(8)}.zip")
        if run_id not in host.library:  # deleted meanwhile
            zipped.unlink(missing_ok=True)
        host.library.get(run_id)
        return zipped

    @disk_troubles_told()
    def open(self, source: bytes | str | Path, owner: str) -> str:
        """Take in a run that was downloaded before; returns its new id. Raises Refused."""
        host = self.host
        host.admission.require_token(owner)
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        host.admission.require_room_to_keep(owner, disk=size)
        run_id = secrets.token_hex(16)
        folder = host.runs / f".opening-{run_id}"
        try:
            with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
                opened = unzip_run(file, folder, most=2 * host.limits.upload)
            fits = too_large_to_open if opened.run().get("source") else too_large
            if problems := fits(opened.settings(), host.limits, _vocabulary(opened)):
                raise Refused(problems)
            in_class = host.classroom.on
            taken = {entry.meta().get("name") for entry in host.library.listed(owner)}
            name = opened_name(opened.meta()["name"], in_class, taken)
            opened.write_meta(name=name, owner=hash_token(owner), pins=[], wanted="pause", in_class=in_class)
            folder.rename(host.runs / run_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        host.library.add(RunDirectory(host.runs / run_id))
        return run_id

    def forget(self, run_id: str) -> None:
        """Delete what was packed of a run, also with the rest of its class."""
        for path in [*self.host.zips.glob(f"{run_id}-*"), *self.host.zips.glob("class-*")]:
            path.unlink(missing_ok=True)


def _vocabulary(run: RunDirectory) -> int | None:
    """How many tokens an opened run has, as its tokenizer says, and that of its text, with which it would be
    trained on; None where there is neither yet. Raises Refused."""
    paths = [path for path in (run.tokenizer, run.dataset() / "tokenizer.json") if path.exists()]
    try:
        return max((load_tokenizer(path).vocab_size for path in paths), default=None)
    except TokenizerError as error:
        raise Refused([str(error)]) from None
