"""What a learner takes home: servers, hook, card, doctor and workflow, in a folder of their own."""
