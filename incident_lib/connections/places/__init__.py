"""Where a target is seen from: this machine or a container; later a host over ssh, or a pod.

A place is a small frozen record, picklable by name, that opens what it needs when it is used.
"""
