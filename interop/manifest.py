"""Prints the manifest of each directory named on standard input as AWS's library makes it, one a line."""

import os
import sys

from deadline.job_attachments._utils import _get_unique_dest_dir_name
from deadline.job_attachments.caches import HashCache
from deadline.job_attachments.upload import S3AssetManager


def files_of(directory):
    for root, _, names in os.walk(directory):
        for name in names:
            yield os.path.join(root, name)


for line in sys.stdin:
    directory, cache = line.rstrip("\n").split("\t")
    manager = S3AssetManager()
    group = manager.prepare_paths_for_upload(
        input_paths=list(files_of(directory)), output_paths=[directory], referenced_paths=[]
    )
    assert len(group.asset_groups) == 1
    _, manifests = manager.hash_assets_and_create_manifest(
        group.asset_groups, group.total_input_files, group.total_input_bytes, hash_cache_dir=cache
    )
    print(manifests[0].asset_manifest.encode())
    print(_get_unique_dest_dir_name(manifests[0].root_path), flush=True)
