def run_all(options):
    return []
