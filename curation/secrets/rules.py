"""What secrets look like: one rule per kind, each tied to a literal that every secret of its kind begins with.

The formats are those that the issuers document and that open scanners (gitleaks, trufflehog, detect-secrets) look for;
the rules here are written anew. Every pattern is bounded in length, so that none can be made to run away.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A kind of secret.

    Attributes:
        kind: its name; the mask is the same in capitals.
        anchors: ASCII literals, one of which stands where the pattern begins; those of names in any case.
        pattern: over UTF-8 bytes, matched at the anchor. The group `secret` is the secret; without it, all is.
        judged: whether the value must also look random, since the surroundings alone prove nothing.
    """

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[bytes]
    named: bool = False  # anchored at the name it is given to, which people write in any case
    judged: bool = False


def _token(kind: str, body: str, *anchors: str) -> Rule:
    """A token with a prefix of its own, standing free of other word characters."""
    return Rule(
        kind=kind, anchors=anchors, pattern=re.compile(rf"(?<![A-Za-z0-9_-])(?:{body})(?![A-Za-z0-9_])".encode())
    )


# Between a name and its value: `: " = ' := == ` and the like, also a type (`: str = `); or a quote alone.
_GIVEN = (
    r"[\w.\-]{0,24}[\"'`\])]{0,2}(?:: ?\w{1,12} ?(?==))?"
    r"(?:[ \t]{0,3}(?::=|=>|[=!]=|=|:|\bis:?)[ \t]{0,3}[\"'`]{0,3}|[ \t]{1,3}[\"'])"
)
_SAID = r"[\w .\-]{0,24}" + _GIVEN  # other words may stand between


def _named(kind: str, body: str, *anchors: str, judged: bool = False, given: str = _SAID) -> Rule:
    """A value without a face of its own, known by the name it is assigned to."""
    names = "|".join(re.escape(anchor) for anchor in anchors)
    pattern = rf"(?i:{names}){given}(?P<secret>{body})(?![A-Za-z0-9_])"
    return Rule(kind=kind, anchors=anchors, pattern=re.compile(pattern.encode()), named=True, judged=judged)


_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# The end may be missing where a text was cut; then the key goes on for as long as headers and base64 do, also quoted
# in mail or code. A PGP key with a photo has some 100 kB; no two beginnings share a stretch, so this is linear.
_BETWEEN = r"(?:[\s\"'+>#*|,;\\]|(?<=\\)[nr])"
_KEY_BLOCK = (
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<secret>(?:[^-]|-(?!----)){16,200000}(?=-----END)"
    rf"|(?:{_BETWEEN}{{0,20}}[A-Z][A-Za-z-]{{2,20}}: [^\n]{{1,100}}){{0,9}}+"
    rf"(?:{_BETWEEN}{{0,20}}[A-Za-z0-9+/]{{16,}}+={{0,2}})++"
    rf"(?:{_BETWEEN}{{1,20}}[A-Za-z0-9+/]{{1,15}}(?:={{1,2}}|\Z))?)"
)

# Earlier rules win where two overlap: the sure ones stand first.
RULES: tuple[Rule, ...] = (
    Rule(kind="private-key", anchors=("-----BEGIN",), pattern=re.compile(_KEY_BLOCK.encode())),
    _token(
        "putty-private-key",
        r"PuTTY-User-Key-File-[23]: (?:[^P]|P(?!uTTY|rivate-M)){50,8000}Private-MAC: [0-9a-f]{40,64}",
        "PuTTY-User-Key",
    ),
    _token("age-secret-key", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", "AGE-SECRET-KEY-"),
    _token(
        "aws-access-key-id",
        r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}",
        *("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA"),
    ),
    _token("aws-mws-key", rf"amzn\.mws\.{_UUID}", "amzn.mws."),
    _token(
        "aws-bedrock-key",
        r"(?:ABSK[A-Za-z0-9+/]{109,269}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{30,2000})",
        "ABSK",
        "bedrock-api-key-",
    ),
    _token("aws-appsync-key", r"da2-[a-z0-9]{26}", "da2-"),
    _named(
        "aws-secret-access-key",
        r"[A-Za-z0-9/+]{40}",
        "aws_secret",
        "aws-secret",
        "awsSecret",
        "secret_access_key",
        "secretAccessKey",
        "secret access key",
        judged=True,
    ),
    _token("google-api-key", r"AIza[0-9A-Za-z_-]{35}", "AIza"),
    _token("google-oauth-token", r"ya29\.[0-9A-Za-z_-]{20,500}", "ya29."),
    _token("google-oauth-secret", r"GOCSPX-[0-9A-Za-z_-]{28}", "GOCSPX-"),
    _named("azure-storage-key", r"[A-Za-z0-9+/]{86}==", "AccountKey", "SharedAccessKey", given="="),
    _token("azure-devops-token", r"azd_[A-Za-z0-9]{48,80}", "azd_"),
    _token(
        "github-token",
        r"gh[pousr]_(?:[A-Za-z0-9]{36,251}|[A-Za-z0-9]{1,20}_eyJ[A-Za-z0-9_.-]{60,2000})",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
    ),
    _token("github-fine-grained-token", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "github_pat_"),
    _token("github-app-token", r"v1\.[0-9a-f]{40}", "v1."),
    _token(
        "gitlab-token",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,64}",
        "glpat-",
        "gldt-",
        "glrt-",
        "glcbt-",
        "glptt-",
        "glft-",
        "glimt-",
        "glagent-",
        "glsoat-",
    ),
    _token("atlassian-token", r"AT(?:ATT3x|CTT3x|BB|ST)[A-Za-z0-9_=-]{20,250}", "ATATT3x", "ATCTT3x", "ATBB", "ATST"),
    _named("atlassian-token", r"[A-Za-z0-9+/]{44}", "confluence", "jira", judged=True),
    _token("bitbucket-token", r"BBDC-[A-Za-z0-9+/]{44}", "BBDC-"),
    _token(
        "slack-token",
        r"xox[abeoprs]-(?:\d-)?[A-Za-z0-9-]{10,250}",
        "xoxa-",
        "xoxb-",
        "xoxe-",
        "xoxo-",
        "xoxp-",
        "xoxr-",
        "xoxs-",
    ),
    _token("slack-app-token", r"xapp-\d-[A-Z0-9]{9,14}-\d{10,14}-[a-f0-9]{64}", "xapp-"),
    _token(
        "slack-webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{40,60}", "hooks.slack.com"
    ),
    _token(
        "discord-webhook",
        r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,70}",
        "discord.com/api",
        "discordapp.com/api",
    ),
    _named(
        "discord-bot-token",
        r"[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,40}",
        "discord",
        "bot_token",
        "bot token",
    ),
    _token("telegram-bot-token", r"telegram\.org/bot\d{8,10}:[A-Za-z0-9_-]{35}", "telegram.org/bot"),
    _named("telegram-bot-token", r"\d{8,10}:AA[A-Za-z0-9_-]{33}", "telegram", "token"),
    _token(
        "stripe-key",
        r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,247}",
        "sk_live_",
        "rk_live_",
        "sk_test_",
        "rk_test_",
        "sk_prod_",
        "rk_prod_",
    ),
    _token("stripe-webhook-secret", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}", "whsec_"),
    _token("picatic-key", r"sk_(?:live|test)_[0-9a-z]{32}", "sk_live_"),
    _token("square-token", r"(?:EAAA[A-Za-z0-9_-]{60}|sq0[a-z]{3}-[A-Za-z0-9_-]{22,43})", "EAAA", "sq0"),
    _token(
        "paypal-braintree-token", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}", "access_token$"
    ),
    _token("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _token(
        "openai-key", r"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{16,120}T3BlbkFJ[A-Za-z0-9_-]{16,120}", "sk-"
    ),
    _token("anthropic-key", r"sk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{80,120}", "sk-ant-"),
    _token("openrouter-key", r"sk-or-v1-[0-9a-f]{64}", "sk-or-v1-"),
    _token("deepseek-key", r"sk-[0-9a-f]{32}", "sk-"),
    _token("groq-key", r"gsk_[A-Za-z0-9]{52}", "gsk_"),
    _token("xai-key", r"xai-[A-Za-z0-9]{80}", "xai-"),
    _token("llama-key", r"(?:LLM\|\d{10,20}\|[A-Za-z0-9_-]{20,40}|llx-[A-Za-z0-9_-]{40,80})", "LLM|", "llx-"),
    _token("replicate-token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("perplexity-key", r"pplx-[A-Za-z0-9]{48}", "pplx-"),
    _token("huggingface-token", r"(?:hf_|api_org_)[A-Za-z]{34}", "hf_", "api_org_"),
    _token("together-key", r"tgp_v1_[A-Za-z0-9_-]{40,50}", "tgp_v1_"),
    _named("together-key", r"[0-9a-f]{64}", "together", judged=True),
    _token("npm-token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,1000}", "pypi-AgE"),
    _token("rubygems-key", r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _token("clojars-token", r"CLOJARS_[0-9a-z]{60}", "CLOJARS_"),
    _token("nuget-key", r"oy2[a-z0-9]{43}", "oy2"),
    _token("jfrog-token", r"(?:AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56})", "AKCp", "cmVmdGtu"),
    _token("docker-token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,32}", "dckr_"),
    _token("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "SG."),
    _token("mailgun-key", r"key-[0-9a-f]{32}", "key-"),
    _named("mailgun-key", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}", "mailgun"),
    _named(
        "twilio-key",
        r"(?:AC|SK)?[0-9a-fA-F]{32}",
        "twilio",
        "account_sid",
        "accountSid",
        "auth_token",
        "authToken",
        judged=True,
    ),
    _token("digitalocean-token", r"do[opr]_v1_[a-f0-9]{64}", "doo_v1_", "dop_v1_", "dor_v1_"),
    _token("databricks-token", r"dapi[0-9a-f]{32}(?:-\d)?", "dapi"),
    _token(
        "grafana-token", r"(?:glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})", "glsa_", "glc_"
    ),
    _token(
        "newrelic-key",
        r"NR(?:AK-[A-Z0-9]{27}|II-[A-Za-z0-9_-]{24,32}|(?:JS|BR)-[0-9a-f]{19}|[AR]A-[a-f0-9-]{32,42})",
        "NRAK-",
        "NRII-",
        "NRJS-",
        "NRBR-",
        "NRAA-",
        "NRRA-",
    ),
    _token("dynatrace-token", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "dt0"),
    _token("sentry-token", r"sntry[su]_[A-Za-z0-9+/=_-]{60,400}", "sntrys_", "sntryu_"),
    _token("postman-key", r"PMA[KT]-(?:[0-9a-f]{24}-[0-9a-f]{34}|[A-Z0-9]{26})", "PMAK-", "PMAT-"),
    _token("figma-token", r"figd_[A-Za-z0-9_-]{40,48}", "figd_"),
    _token("notion-token", r"(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{43,50})", "secret_", "ntn_"),
    _token("linear-key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}", "lin_api_", "lin_oauth_"),
    _token("planetscale-token", r"pscale_(?:tkn|pw|oauth|pt)_[A-Za-z0-9_.=-]{32,64}", "pscale_"),
    _token("vault-token", r"hv[bs]\.[A-Za-z0-9_-]{90,300}", "hvs.", "hvb."),
    _token("pulumi-token", r"pul-[a-f0-9]{40}", "pul-"),
    _token(
        "doppler-token",
        r"dp\.(?:pt|ct|st|sa|scim|audit)\.[A-Za-z0-9.-]{40,60}",
        "dp.pt.",
        "dp.ct.",
        "dp.st.",
        "dp.sa.",
        "dp.scim.",
        "dp.audit.",
    ),
    _token("1password-token", r"ops_eyJ[A-Za-z0-9_-]{200,1500}", "ops_eyJ"),
    _token("dropbox-token", r"sl\.(?:u\.)?[A-Za-z0-9_-]{130,1200}", "sl."),
    _named("dropbox-token", r"(?:[A-Za-z0-9]{11}AAAAAAAAAA[A-Za-z0-9_-]{43}|[a-z0-9]{15})", "dropbox", judged=True),
    _token("facebook-token", r"EAA[A-Za-z0-9]{80,250}", "EAA"),
    _token("instagram-token", r"IGQ[A-Z]{1,2}[A-Za-z0-9_-]{100,250}", "IGQ"),
    _token("netlify-token", r"nfp_[A-Za-z0-9]{36}", "nfp_"),
    _token("vercel-token", r"vc[a-z]_[A-Za-z0-9]{24,60}", "vcp_", "vci_", "vca_", "vcr_", "vck_"),
    _token("wundergraph-key", r"cosmo_[0-9a-f]{32}", "cosmo_"),
    _token("defined-networking-key", r"dnkey-[A-Z2-7a-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}", "dnkey-"),
    _token("heroku-key", r"HRKU-[A-Za-z0-9_-]{36,64}", "HRKU-"),
    _named("heroku-key", _UUID, "heroku"),
    _token("cloudflare-token", r"cf(?:at|k|ut)_[A-Za-z0-9]{40,60}", "cfat_", "cfk_", "cfut_"),
    _named("cloudflare-token", r"[A-Za-z0-9_-]{37,45}", "cloudflare", judged=True),
    _token("akamai-token", r"akab-[a-z0-9]{16}-[a-z0-9]{16}", "akab-"),
    _token("json-web-token", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,2000})?", "eyJ"),
    _token("otp-secret", r"otpauth://[a-z]{4}/[^\s\"'<>]{0,200}secret=[A-Z2-7]{16,128}", "otpauth://"),
    Rule(
        kind="password-in-url",
        anchors=("://",),
        pattern=re.compile(rb"://[^\s/:@\"'<>\\{}$]{0,100}:(?P<secret>[^\s/:@\"'<>\\{}$]{3,200})@(?=[A-Za-z0-9\[])"),
    ),
    _named(
        "authorization-header",
        r"[A-Za-z0-9+/_.~-]{16,2000}={0,2}",
        "authorization",
        "x-api-key",
        "x-auth-token",
        judged=True,
        given=r"""["'`]{0,2}[ \t]{0,2}[:=,][ \t]{0,2}["'`]?(?:Bearer |Basic |NTLM |[Tt]oken )?["'`]?""",
    ),
    _named("json-web-key", r"[A-Za-z0-9_-]{20,700}", '"d"', '"k"', judged=True, given=r"[ \t]{0,2}:[ \t]{0,2}\""),
    _named(
        "assigned-secret",
        r"""[^\s"'`<>,;(){}\[\]\\$]{8,200}""",
        "passw",
        "passphrase",
        "mysqlpass",
        "dbpass",
        "pwd",
        "pswd",
        "secret",
        "token",
        "api_key",
        "api-key",
        "apikey",
        "access_key",
        "access-key",
        "accesskey",
        "private_key",
        "credential",
        "auth_key",
        "client_key",
        judged=True,
        given=_GIVEN,
    ),
)
