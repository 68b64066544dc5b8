//! Word lists for names in English, German, French, Spanish, Portuguese and Dutch. Without diacritics: names are
//! normalised before they are compared.

use std::sync::OnceLock;

/// A list of words, split on first use.
pub struct WordList {
    text: &'static str,
    list: OnceLock<Vec<&'static str>>,
}

impl WordList {
    pub const fn new(text: &'static str) -> Self {
        Self { text, list: OnceLock::new() }
    }

    pub fn all(&self) -> &[&'static str] {
        self.list.get_or_init(|| self.text.split_ascii_whitespace().collect())
    }
}

/// Long enough to mark a secret anywhere in a name, even inside German or Dutch compounds.
pub static SECRET_SUBSTRINGS: WordList = WordList::new(
    "recoveryphrase seedphrase sharedkey keyparts safeword mothersmaiden wifikey wifipass wifikode haslo lozinka heslo \
     parola salasana jelszo sicherheitsantwort antwortgeheim reponsesecrete respuestasecreta respuestaseguridad respuestadeseguridad \
     respostasecreta respostaseguranca beveiligingsantwoord geheimantwoord herstelcode wiederherstellungscode \
     notfallcode codesecours codedesecours codigorecuperacion codigosrecuperacion codigoderecuperacion \
     codigosderecuperacion codigorecuperacao codigosrecuperacao codigoderecuperacao codigosderecuperacao rememberme \
     tuercode doorcode gatecode alarmcode zugangscode toegangscode codeacces codedacces codigoacceso codigoacesso \
     unlockcode einmalcode password passwort passwd passphrase passcode kennwort wachtwoord contrasena motdepasse \
     palavrapasse palavradepasse apikey accesskey privatekey secretkey signingkey encryptionkey masterkey sessionkey \
     authkey licensekey accesstoken refreshtoken sessiontoken authtoken sessionid clientsecret sharedsecret \
     webhooksecret webhookurl connectionstring securitycode recoverycode backupcode verificationcode resetcode \
     authcode authorizationcode magiclink twofactor zugriffsschluessel zugangsschluessel sicherheitsschluessel \
     toegangssleutel cardnumber kartennummer kaartnummer numerocarte numerodecarte numerotarjeta numerodetarjeta \
     numerocartao numerodocartao securityanswer geheimzahl geheimcode geheimnummer geheimwort codesecret \
     codigosecreto palavrasecreta palabrasecreta clavesecreta chavesecreta clesecrete passworddigest chavedeacesso \
     clavedeacceso",
);

/// Mark a secret only as a separate part of a name.
pub static SECRET_WORDS: WordList = WordList::new(
    "pass pwd pw psw mdp senha senhas secret secrets secreto secreta secrete segredo segreto geheim geheimnis token \
     tokens jeton jetons otp totp hotp mfa 2fa tfa tan pin pincode puk cvv cvv2 cvc cvc2 csc pan salt hash shadow \
     credential credentials credencial credenciais credenciales zugangsdaten anmeldedaten inloggegevens jwt bearer \
     csrf xsrf nonce verifier mnemonic mnemonik psk preshared pem pfx p12 keystore dek kek cmk priv privkey rcon dsn \
     odbc cookies p256dh appkey nwkskey appskey ciphertext impersonation remember unseal wpa vault x509",
);

/// May mark a secret: such a column is exported only if its values are plainly something else.
pub static SUSPICIOUS_WORDS: WordList = WordList::new(
    "chiffrement cifrado cifra verschluesselung versleuteling encrypted encryption cipher deur poort key keys \
     schluessel cle cles clef chave chaves clave claves llave sleutel code codes codigo codigos kode pas auth seed \
     seeds semilla zaad semente graine phrase frase answer antwort reponse respuesta resposta antwoord session \
     sid digest cookie access acceso acces acesso zugang zugriff toegang cert certificate zertifikat certificat \
     certificado certificaat signature refresh grant challenge webhook hook callback connection verbindung conexion \
     conexao connexion verbinding ligacao pairing appairage kopplung koppeling unlock master private privat privado \
     prive backup recovery secours reset confirm confirmation curl",
);

/// Names that reveal nothing, used for settings and payloads of every kind.
pub static GENERIC_NAMES: WordList = WordList::new(
    "value values val v data daten dato datos dados donnees donnee gegevens payload extra extras content contents \
     inhalt contenu contenido conteudo inhoud config configuration konfiguration configuracion configuracao blob meta \
     metadata info attr attribute attributes properties props params parameters options settings wert werte valeur \
     valor valores waarde w",
);

/// Names of the key column beside a generic value column.
pub static KEY_COLUMN_NAMES: WordList = WordList::new(
    "key k name names label option setting param parameter property attribute field variable schluessel bezeichnung \
     einstellung cle nom libelle reglage clave nombre ajuste opcion chave nome rotulo opcao sleutel naam optie \
     instelling id slug code",
);

/// Last words of names that describe a secret and are not one: `password_changed_at`.
pub static SECRET_DESCRIPTORS: WordList = WordList::new(
    "by mode url_help host port user username email order position sort model scope scopes at on am op em el le date \
     time until expires expiry expired expiration changed updated created used count counter total limit max min \
     length size type kind status state enabled active required policy strength attempts failures symbol name label \
     title category consent provider issuer algorithm method version endpoint ttl lifetime age board tag tags rate \
     santa sauce ingredient price rotation last4 mark marks grade score percent percentage fail topic room question",
);

/// Names that contain a secret's word and are harmless.
pub static HARMLESS_NAMES: WordList = WordList::new(
    "tokensused maxtokens tokentype tokencount prompttokens totaltokens completiontokens baselinemaxtokens \
     inputtokens outputtokens passwordchangedat hashtag hashtags pinned pinboard passport publickey primarykey",
);

/// Parts of names of tables whose rows serve sign-in, confirmation or decryption.
pub static SECRETS_TABLES: WordList = WordList::new(
    "session sitzung sesion sessao sessoes sessie seance token verif verifiz bestaetig confirmation passwordreset \
     reset herstel reinitial restablec redefin otp onetime einmal twofactor 2fa mfa tweestaps tweefactor zweifaktor \
     deuxfacteur dosfactor doisfator recovery backupcode secours magiclink magic loginlink oauth oidc saml credential \
     credenc zugangsdat apikey secret secrete geheim vault tresor keystore wallet monedero portefeuille carteira \
     devicecode invit einladung uitnodig convite share partage freigabe webhook lock fechadura cerradura serrure \
     tuerschloss coffre rememberme pushsub challenge securityquestion questionssecretes beveiligingsvra \
     sicherheitsfrag preguntasseg perguntasseg impersonat authtoken djangosession certificat zertifikat privatekey \
     signingkey encryptionkey giftcard geschenk voucher cadeau",
);

/// Of these, tables whose key is often itself the credential: in a cookie, or in a link.
pub static CREDENTIAL_KEY_TABLES: WordList = WordList::new(
    "session sitzung sesion sessao sessoes sessie seance token verif reset magic remember invit einladung uitnodig \
     convite share partage freigabe",
);

/// Tables of payment cards: digits in them may be card numbers.
pub static CARDS_TABLES: WordList = WordList::new("card karte carte tarjeta cartao cartoes passen payment pago");

/// Numbers and codes that are not confidential, such as order numbers.
pub static PUBLIC_NUMBERS: WordList = WordList::new(
    "username nick nickname handle benutzername utilisateur usuario gebruikersnaam seat eui iccid imei deviceeui \
     ultimos4 ultimos letzte4 laatste4 derniers4 expiry expiration validade gueltig vencimiento verval validite hs \
     hscode zolltarif tariff nsu fingerprint firmware versao versie versiones edition last4 lastfour number numbers \
     nummer numero num nr no ref reference referenz referencia folio invoice rechnung facture factura fatura factuur \
     order bestellung commande pedido encomenda bestelling ordernummer factuurnummer bestellnummer kundennummer \
     rechnungsnummer schluesselnummer tracking track suivi seguimiento rastreio rastreamento volgnummer \
     sendungsverfolgung zending zendingcode sendung sendungsnummer envio colis shipment zip zipcode postal postcode \
     plz postleitzahl cep phone telephone telefon telefoon telefono telefone tel mobile mobil movil fax handy gsm sku \
     ean gtin upc isbn issn barcode barras strichcode iban bic swift agencia konto blz vat ust tva iva btw nif nie \
     dni cpf cnpj bsn siret siren ssn tax plate placa plaque kennzeichen immatriculation matricula kenteken vin mac \
     serial seriennummer version year jahr annee ano jaar promo coupon rabatt gemeindeschluessel color colour \
     farbcode icd passport",
);

/// Words for an answer, in tables of security questions.
pub static ANSWER_WORDS: WordList = WordList::new("answer antwort reponse respuesta resposta antwoord answers");

/// Words beside which a session is an event for people, not a sign-in.
pub static EVENT_SESSION_WORDS: WordList = WordList::new(
    "conference training therapy class course game workout lab study exam photo charging parking seminar schulung \
     kurs therapie formation cours curso clase aula treino sport talk talks event speaker gym lesson yoga recording",
);

/// Digests of public data.
pub static PUBLIC_DIGESTS: WordList =
    WordList::new("commit sha revision rev checksum etag blob tree md5 crc pruefsumme");

/// Words beside which a code is not confidential: `promo_code`, `zip_code`.
pub static PUBLIC_CODES: WordList = WordList::new(
    "promo zip postal error status state area country order product item discount coupon exit response http dress \
     source color colour bar currency language lang locale cost tax region reason course icd hs",
);

/// Names of columns with stored passwords, in lower case.
pub const PASSWORD_COLUMNS: &[&str] =
    &["password", "password_hash", "passwordhash", "encrypted_password", "hashed_password", "hashedpassword"];
