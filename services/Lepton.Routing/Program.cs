return 0; // placeholder, replaced by this project's owner
