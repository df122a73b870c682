"""The production server under a crowd for minutes: does anybody polite notice?"""
