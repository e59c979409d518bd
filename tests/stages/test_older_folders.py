"""Folders as older versions of the library wrote them: the hub's own are years old."""

import json
import shutil

import pytest
import torch

from reparo.scene import Camera, Photo
from reparo.stages.depth.depth_anything import DepthAnything
from reparo.stages.features.dinov2 import Dinov2Features
from reparo.stages.pretrained import Place
from reparo.stages.segment.grounding import GroundingDino
from reparo.stages.segment.sam_network import load_sam

TOP = {"_commit_hash": None, "torch_dtype": "float32", "transformers_version": "4.31.0.dev0"}
BACKBONE = {
    "backbone": None,
    "backbone_kwargs": None,
    "use_pretrained_backbone": False,
    "use_timm_backbone": False,
}
PART = {  # what each part's table was filled up with
    "_name_or_path": "",
    "add_cross_attention": False,
    "architectures": None,
    "bad_words_ids": None,
    "begin_suppress_tokens": None,
    "bos_token_id": None,
    "chunk_size_feed_forward": 0,
    "decoder_start_token_id": None,
    "diversity_penalty": 0.0,
    "do_sample": False,
    "early_stopping": False,
    "eos_token_id": None,
    "finetuning_task": None,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "is_decoder": False,
    "is_encoder_decoder": False,
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "length_penalty": 1.0,
    "max_length": 20,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "output_attentions": False,
    "output_hidden_states": False,
    "pad_token_id": None,
    "prefix": None,
    "problem_type": None,
    "pruned_heads": {},
    "remove_invalid_values": False,
    "return_dict": True,
    "return_dict_in_generate": False,
    "sep_token_id": None,
    "task_specific_params": None,
    "temperature": 1.0,
    "tf_legacy_loss": False,
    "tie_encoder_decoder": False,
    "tie_word_embeddings": True,
    "top_k": 50,
    "top_p": 1.0,
    "torch_dtype": None,
    "torchscript": False,
    "transformers_version": "4.29.0.dev0",
    "typical_p": 1.0,
    "use_bfloat16": False,
}


def aged(folder, target, more=None):
    """A copy with the keys that are gone from today's files, and without those that are new."""
    shutil.copytree(folder, target)
    table = json.loads((target / "config.json").read_text())
    for key, value in table.items():
        if key.endswith("_config") and isinstance(value, dict):
            table[key] = {**PART, **{name: one for name, one in value.items() if name != "dtype"}}
    table.pop("dtype", None)
    (target / "config.json").write_text(json.dumps({**table, **TOP, **(more or {})}))
    return target


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_segmenters(networks, tmp_path, name):
    folder = getattr(networks, name)
    rgb = torch.rand(20, 30, 3)
    new, old = (
        load_sam(path, Place("cpu")).look(rgb).ask_points([(5.0, 6.0)], [True]).logits
        for path in (folder, aged(folder, tmp_path / "old"))
    )
    assert torch.equal(new, old)


def test_depth(networks, tmp_path):
    photo, camera = Photo(torch.rand(20, 30, 3)), Camera.from_fov(50.0, (20, 30))
    folder = aged(networks.depth, tmp_path / "old", BACKBONE)
    table = json.loads((folder / "config.json").read_text())
    del table["depth_estimation_type"], table["max_depth"]  # V2's first folders have neither
    (folder / "config.json").write_text(json.dumps(table))
    new, old = (
        DepthAnything(path, device="cpu")(photo, camera, []) for path in (networks.depth, folder)
    )
    assert old.kind == "disparity"
    assert torch.equal(new.values, old.values)


def test_features(networks, tmp_path):
    rgb = torch.rand(28, 28, 3)
    new, old = (
        Dinov2Features(path)(rgb)
        for path in (networks.dinov2, aged(networks.dinov2, tmp_path / "old"))
    )
    assert torch.equal(new, old)


def test_detectors(networks, tmp_path):
    rgb = torch.rand(28, 50, 3)
    folder = aged(networks.grounding_dino, tmp_path / "old", BACKBONE)
    (folder / "tokenizer.json").unlink()  # its words are in vocab.txt as well
    new, old = (
        GroundingDino(path, 0.01).load("cpu")(rgb, ["chair", "table lamp"])
        for path in (networks.grounding_dino, folder)
    )
    assert new == old
    assert new
