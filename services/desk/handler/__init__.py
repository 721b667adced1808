"""What the desk's longer commands do, step by step; the commands themselves only ask and show."""
