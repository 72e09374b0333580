from rest_framework.routers import SimpleRouter

from blogs.api.views import BlogGenerationViewSet

router = SimpleRouter()
router.trailing_slash = "/?"  # with or without: a POST that is redirected loses its body
router.register("blog-generation", BlogGenerationViewSet, basename="blog-generation")
urlpatterns = router.urls
