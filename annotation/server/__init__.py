"""What the annotation server's own interpreter runs: nothing here may import gristmill or anything outside its lock."""
