"""Ward dashboard for kaposiform hemangioendothelioma with Kasabach-Merritt phenomenon."""
