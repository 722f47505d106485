<<<<<<< HEAD
pub mod import;
=======
pub mod auth;
>>>>>>> main
