# ruff: noqa: RUF001 - an apostrophe in French is a typographic one
"""The labels of a page in the language of its content."""

from __future__ import annotations

from dataclasses import dataclass

from services.render.domain.languages import FALLBACK_LANGUAGE, primary_language


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels in one language, `language`; English labels replace those of an unknown language."""

    language: str
    skip: str
    sections: str
    home: str
    you_are_here: str
    updated: str
    reading_time: str  # takes {minutes}
    share: str
    email: str
    copy_link: str
    copied: str
    picture: str
    in_this_story: str
    correction: str
    topics: str
    people_and_places: str
    also_read: str
    links: str
    latest_news: str
    to_the_front: str
    by_section: str
    empty_front: str
    empty_front_text: str
    not_found: str
    not_found_text: str
    gone: str
    gone_text: str
    back_to_top: str
    archive: str
    older: str
    search: str
    search_text: str  # takes {count}
    found: str
    nothing_found: str
    needs_script: str
    page_of: str  # takes {part} and {parts}
    more: str
    loading: str
    feeds: str
    about: str
    contact: str
    corrections: str
    empty_list: str


_ENGLISH = Labels(
    language="en",
    skip="Skip to the story",
    sections="Sections",
    home="Home",
    you_are_here="You are here",
    updated="Updated",
    reading_time="{minutes} min read",
    share="Share",
    email="Email",
    copy_link="Copy link",
    copied="Copied",
    picture="Picture",
    in_this_story="In this story",
    correction="Correction",
    topics="Topics",
    people_and_places="People and places",
    also_read="Also Read",
    links="Related Links",
    latest_news="Latest News",
    to_the_front="All the news on the front page",
    by_section="By section",
    empty_front="The first edition is on its way",
    empty_front_text="Nothing has been published yet. Stories appear here the moment they are ready.",
    not_found="This page is not here",
    not_found_text="The address may be mistyped, or the page may never have existed. The news is on the front page.",
    gone="This story has been taken down",
    gone_text="It was published here and is no longer available. The news is on the front page.",
    back_to_top="Back to top",
    archive="Archive",
    older="Older stories",
    search="Search",
    search_text="Looks through the newest {count} stories, in your browser.",
    found="Stories found:",
    nothing_found="Nothing found. The archive has every story by its day.",
    needs_script="Searching needs JavaScript. Without it the archive has every story by its day.",
    page_of="Page {part} of {parts}",
    more="More stories",
    loading="Loading …",
    feeds="Feeds",
    about="About us",
    contact="Contact",
    corrections="Corrections",
    empty_list="There are no stories here.",
)

_HINDI = Labels(
    language="hi",
    skip="सीधे ख़बर पर जाएँ",
    sections="खंड",
    home="मुखपृष्ठ",
    you_are_here="आप यहाँ हैं",
    updated="अपडेट",
    reading_time="{minutes} मिनट में पढ़ें",
    share="साझा करें",
    email="ईमेल",
    copy_link="लिंक कॉपी करें",
    copied="कॉपी हो गया",
    picture="तस्वीर",
    in_this_story="इस ख़बर में",
    correction="भूल सुधार",
    topics="विषय",
    people_and_places="लोग और स्थान",
    also_read="यह भी पढ़ें",
    links="संबंधित लिंक",
    latest_news="ताज़ा ख़बरें",
    to_the_front="मुखपृष्ठ पर सभी ख़बरें",
    by_section="खंडों के अनुसार",
    empty_front="पहला संस्करण आने वाला है",
    empty_front_text="अभी तक कुछ प्रकाशित नहीं हुआ है। ख़बरें तैयार होते ही यहाँ दिखेंगी।",
    not_found="यह पृष्ठ यहाँ नहीं है",
    not_found_text="हो सकता है कि पता ग़लत लिखा गया हो, या यह पृष्ठ कभी था ही नहीं। ख़बरें मुखपृष्ठ पर हैं।",
    gone="यह ख़बर हटा दी गई है",
    gone_text="यह यहाँ प्रकाशित हुई थी और अब उपलब्ध नहीं है। ख़बरें मुखपृष्ठ पर हैं।",
    back_to_top="ऊपर जाएँ",
    archive="संग्रह",
    older="पुरानी ख़बरें",
    search="खोजें",
    search_text="सबसे नई {count} ख़बरों में, आपके ब्राउज़र में खोजता है।",
    found="मिली ख़बरें:",
    nothing_found="कुछ नहीं मिला। संग्रह में हर ख़बर उसके दिन के अनुसार है।",
    needs_script="खोज के लिए JavaScript चाहिए। उसके बिना संग्रह में हर ख़बर उसके दिन के अनुसार है।",
    page_of="पृष्ठ {part} / {parts}",
    more="और ख़बरें",
    loading="लोड हो रहा है …",
    feeds="फ़ीड",
    about="हमारे बारे में",
    contact="संपर्क",
    corrections="भूल सुधार नीति",
    empty_list="यहाँ कोई ख़बर नहीं है।",
)

_ARABIC = Labels(
    language="ar",
    skip="انتقل إلى الخبر",
    sections="الأقسام",
    home="الرئيسية",
    you_are_here="أنت هنا",
    updated="آخر تحديث",
    reading_time="مدة القراءة: {minutes} د",
    share="مشاركة",
    email="البريد الإلكتروني",
    copy_link="نسخ الرابط",
    copied="تم النسخ",
    picture="الصورة",
    in_this_story="في هذا الخبر",
    correction="تصحيح",
    topics="المواضيع",
    people_and_places="أشخاص وأماكن",
    also_read="اقرأ أيضًا",
    links="روابط ذات صلة",
    latest_news="آخر الأخبار",
    to_the_front="كل الأخبار في الصفحة الرئيسية",
    by_section="حسب القسم",
    empty_front="العدد الأول في الطريق",
    empty_front_text="لم يُنشر شيء بعد. تظهر الأخبار هنا فور جاهزيتها.",
    not_found="هذه الصفحة غير موجودة",
    not_found_text="ربما كُتب العنوان خطأً، أو أن الصفحة لم توجد قط. الأخبار في الصفحة الرئيسية.",
    gone="سُحب هذا الخبر",
    gone_text="نُشر هنا ولم يعد متاحًا. الأخبار في الصفحة الرئيسية.",
    back_to_top="إلى الأعلى",
    archive="الأرشيف",
    older="أخبار أقدم",
    search="بحث",
    search_text="يبحث في أحدث {count} خبر داخل متصفحك.",
    found="الأخبار التي وُجدت:",
    nothing_found="لم يُعثر على شيء. في الأرشيف كل خبر حسب يومه.",
    needs_script="يحتاج البحث إلى JavaScript. من دونه في الأرشيف كل خبر حسب يومه.",
    page_of="الصفحة {part} من {parts}",
    more="المزيد من الأخبار",
    loading="جارٍ التحميل …",
    feeds="الخلاصات",
    about="من نحن",
    contact="اتصل بنا",
    corrections="سياسة التصحيح",
    empty_list="لا توجد أخبار هنا.",
)

_GERMAN = Labels(
    language="de",
    skip="Zum Artikel springen",
    sections="Ressorts",
    home="Startseite",
    you_are_here="Sie sind hier",
    updated="Aktualisiert",
    reading_time="{minutes} Min. Lesezeit",
    share="Teilen",
    email="E-Mail",
    copy_link="Link kopieren",
    copied="Kopiert",
    picture="Bild",
    in_this_story="In diesem Artikel",
    correction="Korrektur",
    topics="Themen",
    people_and_places="Personen und Orte",
    also_read="Lesen Sie auch",
    links="Weitere Links",
    latest_news="Neueste Nachrichten",
    to_the_front="Alle Nachrichten auf der Startseite",
    by_section="Nach Ressort",
    empty_front="Die erste Ausgabe ist unterwegs",
    empty_front_text="Noch ist nichts erschienen. Artikel stehen hier, sobald sie fertig sind.",
    not_found="Diese Seite gibt es hier nicht",
    not_found_text=(
        "Vielleicht ist die Adresse vertippt, oder es gab die Seite nie. Die Nachrichten stehen auf der Startseite."
    ),
    gone="Dieser Artikel wurde entfernt",
    gone_text="Er ist hier erschienen und nicht mehr verfügbar. Die Nachrichten stehen auf der Startseite.",
    back_to_top="Nach oben",
    archive="Archiv",
    older="Ältere Artikel",
    search="Suche",
    search_text="Durchsucht die neuesten {count} Artikel, in Ihrem Browser.",
    found="Gefundene Artikel:",
    nothing_found="Nichts gefunden. Im Archiv steht jeder Artikel unter seinem Tag.",
    needs_script="Die Suche braucht JavaScript. Ohne steht im Archiv jeder Artikel unter seinem Tag.",
    page_of="Seite {part} von {parts}",
    more="Weitere Artikel",
    loading="Wird geladen …",
    feeds="Feeds",
    about="Über uns",
    contact="Kontakt",
    corrections="Korrekturen",
    empty_list="Hier gibt es keine Artikel.",
)

_FRENCH = Labels(
    language="fr",
    skip="Aller à l’article",
    sections="Rubriques",
    home="Accueil",
    you_are_here="Vous êtes ici",
    updated="Mis à jour",
    reading_time="{minutes} min de lecture",
    share="Partager",
    email="E-mail",
    copy_link="Copier le lien",
    copied="Copié",
    picture="Photo",
    in_this_story="Dans cet article",
    correction="Rectification",
    topics="Thèmes",
    people_and_places="Personnes et lieux",
    also_read="À lire aussi",
    links="Liens utiles",
    latest_news="Dernières nouvelles",
    to_the_front="Toute l’actualité à la une",
    by_section="Par rubrique",
    empty_front="La première édition arrive",
    empty_front_text="Rien n’a encore été publié. Les articles paraissent ici dès qu’ils sont prêts.",
    not_found="Cette page n’existe pas ici",
    not_found_text="L’adresse est peut-être mal saisie, ou la page n’a jamais existé. L’actualité est à la une.",
    gone="Cet article a été retiré",
    gone_text="Il a été publié ici et n’est plus disponible. L’actualité est à la une.",
    back_to_top="Haut de page",
    archive="Archives",
    older="Articles plus anciens",
    search="Recherche",
    search_text="Cherche dans les {count} articles les plus récents, dans votre navigateur.",
    found="Articles trouvés :",
    nothing_found="Rien trouvé. Les archives classent chaque article par jour.",
    needs_script="La recherche demande JavaScript. Sans lui, les archives classent chaque article par jour.",
    page_of="Page {part} sur {parts}",
    more="Plus d’articles",
    loading="Chargement …",
    feeds="Flux",
    about="Qui sommes-nous",
    contact="Contact",
    corrections="Rectifications",
    empty_list="Il n’y a pas d’article ici.",
)

_SPANISH = Labels(
    language="es",
    skip="Ir a la noticia",
    sections="Secciones",
    home="Portada",
    you_are_here="Está aquí",
    updated="Actualizado",
    reading_time="{minutes} min de lectura",
    share="Compartir",
    email="Correo",
    copy_link="Copiar enlace",
    copied="Copiado",
    picture="Imagen",
    in_this_story="En esta noticia",
    correction="Corrección",
    topics="Temas",
    people_and_places="Personas y lugares",
    also_read="Lea también",
    links="Enlaces relacionados",
    latest_news="Últimas noticias",
    to_the_front="Todas las noticias en la portada",
    by_section="Por sección",
    empty_front="La primera edición está en camino",
    empty_front_text="Aún no se ha publicado nada. Las noticias aparecen aquí en cuanto están listas.",
    not_found="Esta página no está aquí",
    not_found_text="Quizá la dirección esté mal escrita, o la página nunca existió. Las noticias están en la portada.",
    gone="Esta noticia ha sido retirada",
    gone_text="Se publicó aquí y ya no está disponible. Las noticias están en la portada.",
    back_to_top="Volver arriba",
    archive="Archivo",
    older="Noticias anteriores",
    search="Buscar",
    search_text="Busca en las {count} noticias más recientes, en su navegador.",
    found="Noticias encontradas:",
    nothing_found="No se encontró nada. El archivo tiene cada noticia por su día.",
    needs_script="La búsqueda necesita JavaScript. Sin él, el archivo tiene cada noticia por su día.",
    page_of="Página {part} de {parts}",
    more="Más noticias",
    loading="Cargando …",
    feeds="Canales",
    about="Quiénes somos",
    contact="Contacto",
    corrections="Rectificaciones",
    empty_list="Aquí no hay noticias.",
)

_BY_LANGUAGE = {labels.language: labels for labels in (_ENGLISH, _HINDI, _ARABIC, _GERMAN, _FRENCH, _SPANISH)}


def labels_for(tag: str) -> Labels:
    """Return the labels for a language tag; English labels if its language has none."""
    return _BY_LANGUAGE.get(primary_language(tag), _BY_LANGUAGE[FALLBACK_LANGUAGE])
