"""What customers see: a page with a button, a redirect, or plain words about why there is none."""
