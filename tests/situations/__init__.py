"""Situations that people met, played on real servers, with what a right answer says of each.

A situation is a function that makes it on servers of its own, examines it once with `incident triage`, and
returns how to see whether it is over, or None where no action of ours could end it. What the answer must and
must not say goes by meaning, numbers and names, so that other words for the same thing pass.

    make situations                              all; exit code 0 when every answer is right
    make situations ARGS="--only NAME ... -v"    these, with what was answered
    make situations ARGS=--act                   and execute what the first hypothesis offers
"""
