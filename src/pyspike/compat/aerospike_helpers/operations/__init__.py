"""Helpers of operations: functions that give the dictionaries which `Client.operate` takes."""
