"""The memory of a run by arithmetic; hosting/test_memory_prediction.py holds it against real runs."""

from llmviz.model.size import FLOAT, WORKSPACE, n_parameters
from llmviz.runs.memory import run_memory
from llmviz.settings import parse_settings
from llmviz.training.costs import training_memory

V = 30
HEAVY = {"n_layer": 4, "n_embd": 512, "block_size": 16, "batch_size": 2}  # its weights outweigh its batches


def of(**more):
    return parse_settings(HEAVY | more)


def test_without_diagnoses_it_is_what_training_takes():
    assert run_memory(of(diagnose_every=0), V) == training_memory(of(), V)


def test_a_diagnosis_of_a_large_model_holds_two_gradients():
    for optimizer, remembered in (("adamw", 2), ("sgd", 1), ("lion", 1)):
        settings = of(optimizer=optimizer)
        numbers = (3 + remembered) * n_parameters(settings.model, V)
        assert numbers * FLOAT < run_memory(settings, V) < 1.4 * numbers * FLOAT + WORKSPACE


def test_a_diagnosis_of_a_large_batch_reads_a_part_of_it():
    wide, deep = of(n_embd=64, batch_size=4096), of(n_embd=64, batch_size=4096, diagnose_every=0)
    assert run_memory(wide, V) < 1.05 * run_memory(deep, V)


def test_the_directions_of_lion_are_counted():
    numbers = 4 * n_parameters(of().model, V)  # weights, gradients, means, directions
    assert training_memory(of(optimizer="lion"), V) >= numbers * FLOAT
