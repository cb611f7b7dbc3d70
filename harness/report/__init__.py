"""What a reviewer sees: the manifest of a run, terminal text, a page, Allure attachments. Decides nothing."""
