"""The modules that all services share, in seven packages without business rules.

messaging, model, site, storage, index, runtime, reconcile.
"""
