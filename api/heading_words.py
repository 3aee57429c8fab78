"""What people write above a column, in English, German, French and Spanish, by the field that it means.

Words that mean another field in another kind of list stand in that list's own part.
"""

ALWAYS = {
    "lot_number": """Lot; Lot #; Lot no; Lot number; Lot code; Batch; Batch #; Batch no; Batch
        number; LN; Batch/Lot; Lot/Batch; Charge; Chargen-Nr.; Chargennummer; Ch.-B.; Los;
        Losnummer; N° de lot; Numéro de lot; Lote; N.º de lote; Nº lote; Número de lote""",
    "expires_on": """Exp; Expiry; Expiry date; Expires; Expiration; Expiration date; Exp date; Exp
        dt; Use by; Best by; Best before; Valid to; Verfall; Verfalldatum; Verfallsdatum;
        Ablaufdatum; MHD; Haltbar bis; Verwendbar bis; Péremption; Date de péremption; DLC; Date
        limite; Date d'expiration; Caducidad; Fecha de caducidad; Vencimiento; Fecha de vencimiento;
        Cad.""",
    "containers": """Qty; Qty on hand; Quantity; Quantity on hand; Count; On hand; Vials; Units;
        Number; Stock; Pieces; Bestand; Menge; Anzahl; Stück; Stk.; Stückzahl; Quantité; Qté;
        Nombre de flacons; Flacons; En stock; Cantidad; Cant.; Existencias; Unidades; Viales""",
    "unit_cost": """Cost; Unit cost; Cost each; Cost per container; Cost per vial; Unit price; Price
        each; Price; Purchase price; Einkaufspreis; EK; EK-Preis; Stückpreis; Preis; Einzelpreis;
        Prix d'achat; Prix unitaire; Prix; PU; Coût unitaire; Precio; Precio unitario; Coste; Coste
        unitario; Costo unitario; Precio de compra""",
    "received_on": """Received; Date received; Receipt date; Received date; Received on; Eingang;
        Eingangsdatum; Wareneingang; Reçu le; Date de réception; Recibido; Fecha de recepción; Fecha
        de entrada""",
    "produced_on": """Produced; Production date; Manufactured; Manufacture date; Mfg date; Mfd; Made
        on; Herstellungsdatum; Herstelldatum; Date de fabrication; Fabriqué le; Fecha de fabricación""",
    "place": """Place; Location; Shelf; Fridge; Cupboard; Bin; Storage place; Ort; Lagerort;
        Lagerplatz; Kühlschrank; Schrank; Emplacement; Lieu; Réfrigérateur; Ubicación; Lugar;
        Nevera; Estante""",
    "supplier": """Supplier; Supplier code; Vendor; Vendor code; Bought from; Lieferant;
        Lieferantennummer; Fournisseur; Proveedor; Distribuidor""",
    "unit": """Content unit; Unit; Unit of measure; UOM; U/M; Einheit; Mengeneinheit; ME; Unité;
        Unidad; Unidad de medida""",
    "content": """Content; Volume; Content per container; Unit volume; Container size; Fill volume;
        Inhalt; Füllmenge; Volumen; Contenance; Contenu; Contenido""",
    "dose_class": """Dose; Dose class; Dose type; Vial type; Dosisart; Dosierung; Type de dose; Tipo
        de dosis""",
    "kind": """Item kind; Item type; Kind; Type; Artikelart; Typ; Tipo""",
    "maker": """Manufacturer; Maker; Brand; Make; Hersteller; Marke; Fabricant; Marque; Fabricante;
        Marca""",
    "category": """Category; Group; Product group; Kategorie; Warengruppe; Catégorie; Famille;
        Categoría; Grupo""",
    "ingredient": """Ingredient; Ingredient code; Active ingredient; Primary ingredient code;
        Wirkstoff; Principe actif; Ingrédient; Principio activo; Ingrediente""",
    "overfill": "Overfill mL",
    "container_form": "Container; Form; Darreichungsform; Forme; Forma",
    "in_use_hours": "In use hours max; Hours after opening; Use within hours",
    "sterile": "Steril; Stérile; Estéril",
    "prescription_only": "Rx; Rx only; POM; Verschreibungspflichtig; Sur ordonnance; Con receta",
    "storage": "Storage class; Keep at; Lagerung; Conservation; Conservación",
    "shelf_life_months": "Shelf life; Haltbarkeit Monate",
    "pack_containers": """Pack; Pack size; Pack qty; Containers per pack; Per pack; Packungsgröße;
        Packung; VPE; Conditionnement; Par boîte; Envase; Por caja""",
    "gtin": "GTIN each; EAN; UPC; Barcode; EAN-Code; Code-barres; Código de barras",
    "pack_gtin": "GTIN pack; Pack barcode; Case GTIN",
    "note": "Notes; Remark; Remarks; Comment; Comments; Bemerkung; Remarque; Observaciones; Nota",
    "pack_price": """Price; Price per pack; Pack price; Cost per pack; Preis; Packungspreis; Preis
        je Packung; Prix; Prix par boîte; Precio; Precio por caja""",
    "minimum_packs": """MOQ; Minimum order; Minimum; Min packs; Min. order; Mindestmenge;
        Mindestbestellmenge; Minimum de commande; Pedido mínimo""",
    "lead_days": """Lead time; Lead time days; Delivery days; Lieferzeit; Lieferzeit Tage; Délai;
        Délai de livraison; Plazo; Plazo de entrega""",
    "valid_from": """From; Valid from; Valid since; Price date; Date; Gültig ab; Datum; Valable à
        partir du; Válido desde; Fecha""",
    "price_breaks": """Breaks; Price breaks; Volume prices; Discount scale; Staffelpreise; Mengenstaffel; Prix
        dégressifs; Precios por volumen""",
    "list_price": """List price; Supplier's price; Original price; Listenpreis; Prix catalogue; Prix tarif;
        Precio de lista; Precio de tarifa""",
    "list_currency": """Currency; List currency; Price currency; Währung; Devise; Monnaie; Moneda;
        Divisa""",
    "preferred": "Default; Preferred supplier; Bevorzugt; Préféré; Preferido",
    "code": """Formulation; Formulation code; Formula; Formula code; Recipe; Recipe code; Rezeptur;
        Rezept; Formule; Code formule; Fórmula; Receta""",
    "concern": "Concern; Indication; Indikation; Indicación",
    "area": "Area; Zone; Body area; Areal; Bereich; Zona; Área",
    "technique": "Technique; Method; Technik; Methode; Técnica",
    "total_volume_ml": """Total volume; Total volume mL; Total mL; Gesamtvolumen; Volume total;
        Volumen total""",
    "preparation_rule": "Preparation; How to prepare; Zubereitung; Préparation; Preparación",
    "line_kind": "Line kind; Line type; Component or product",
    "line_name": "Line name; Component; Component name; Bestandteil; Composant; Componente",
    "quantity": """Quantity; Qty; Amount; Dose; Dose mL; Menge; Dosis; Quantité; Cantidad""",
    "declared_amount": "Declared amount; Declared; Concentration; Konzentration; Concentración",
    "role": "Role; Function; Rolle; Rôle; Función",
}  # fmt: skip

SKU_OF_ITEMS = """SKU; Item code; Item number; Item no; Product code; Code; Article; Article
        no; Ref; Reference; Artikelnummer; Artikel-Nr.; Art.-Nr.; Référence; Réf.; Code article;
        Código; Referencia; Ref. artículo"""
SKU_ELSEWHERE = f"""{SKU_OF_ITEMS}; Item; Product; Item name; Product name; GTIN; EAN; Barcode; PZN;
        Artikel; Produkt; Artikelbezeichnung; Bezeichnung; Produit; Désignation; Nom du produit;
        Producto; Artículo; Descripción"""
NAME_OF_ITEMS = """Item; Item name; Product; Product name; Name; Description; Artikel; Bezeichnung;
        Artikelbezeichnung; Produkt; Désignation; Libellé; Nom; Produit; Nombre; Producto;
        Descripción; Artículo"""
SKU_OF_FORMULATIONS = """SKU; Item; Item code; Product; Product code; GTIN; Artikel; Artikelnummer;
    Produkt; Produit; Producto; Artículo"""
NAME_OF_FORMULATIONS = "Formulation name; Formula name; Name; Recipe name; Bezeichnung; Nom; Nombre"


def words(listed: str) -> tuple[str, ...]:
    """The words of a list that semicolons part."""
    return tuple(" ".join(one.split()) for one in listed.split(";"))
