//! Controls of forms. Each is a label with its field inside, and works without script.
//!
//! May import: nothing else of this crate. A new kind of field gets a file here; buttons are plain elements.

mod password_field;
mod select_field;
mod text_field;

pub use password_field::{NewPasswordField, PasswordField};
pub use select_field::{SelectField, SelectOption};
pub use text_field::TextField;

#[cfg(test)]
mod tests {
    use leptos::prelude::*;

    use super::*;

    /// Without the comments by which Leptos finds texts again.
    fn html(view: impl IntoView) -> String {
        view.into_view().to_html().replace("<!>", "")
    }

    #[test]
    fn fields_have_only_the_attributes_that_were_given() {
        let code =
            view! { <TextField label="Code" name="code" autocomplete="one-time-code" maxlength=60 autofocus=true /> };
        let attributes = r#"type="text" name="code" autocomplete="one-time-code" maxlength="60" required autofocus"#;
        assert_eq!(html(code), format!("<label>Code<input {attributes}></label>"));
        let filter = view! { <TextField label="Who " name="actor" value=String::new() required=false /> };
        assert_eq!(html(filter), r#"<label>Who <input type="text" name="actor" value=""></label>"#);
        let password = view! { <PasswordField label="Password" /> };
        let attributes = r#"type="password" name="password" autocomplete="current-password" required"#;
        assert_eq!(html(password), format!("<label>Password<input {attributes}></label>"));
    }

    #[test]
    fn a_selected_option_is_marked() {
        let option = |value: &str, is_selected| SelectOption { value: value.into(), label: value.into(), is_selected };
        let options = vec![option("a", false), option("b", true)];
        let select = view! { <SelectField label="What " name="kind" options /> };
        let expected = r#"<option value="a">a</option><option value="b" selected>b</option>"#;
        assert_eq!(html(select), format!(r#"<label>What <select name="kind">{expected}</select></label>"#));
    }
}
