"""How far people agree, who does not, and how many people a given precision takes."""
